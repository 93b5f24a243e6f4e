package bestfit.report;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** A table of text with ruled lines; cells may have several lines. Immutable. */
public final class TextTable {
    /** How a column's cells stand. */
    public enum Align {
        LEFT,
        RIGHT,
        /** Points below each other; whole numbers end where the points are. */
        DECIMAL
    }

    /** The lines between cells. */
    public enum Ruling {
        /** Double lines around and below the header, as Python's tabulate draws "fancy_grid". */
        FANCY("╒═╤╕", "╞═╪╡", "├─┼┤", "╘═╧╛", "│"),
        /** ASCII, as tabulate draws "grid". */
        GRID("+-++", "+=++", "+-++", "+-++", "|");

        private final String top;
        private final String belowHeader;
        private final String between;
        private final String bottom;
        private final String side;

        Ruling(String top, String belowHeader, String between, String bottom, String side) {
            this.top = top;
            this.belowHeader = belowHeader;
            this.between = between;
            this.bottom = bottom;
            this.side = side;
        }
    }

    /** Room beyond a header's own width, as tabulate leaves it. */
    private static final int HEADER_ROOM = 2;

    private final Ruling ruling;
    private final List<String> headers;
    private final List<Align> aligns;
    private final List<List<String>> rows;

    /** @throws IllegalArgumentException if a row has another number of cells than there are headers */
    public TextTable(Ruling ruling, List<String> headers, List<Align> aligns, List<List<String>> rows) {
        for (var row : rows) {
            if (row.size() != headers.size() || aligns.size() != headers.size()) {
                throw new IllegalArgumentException("Row " + row + " does not fit headers " + headers);
            }
        }
        this.ruling = ruling;
        this.headers = List.copyOf(headers);
        this.aligns = List.copyOf(aligns);
        this.rows = rows.stream().map(List::copyOf).toList();
    }

    /** The table with line breaks, without one at its end. */
    public String render() {
        var columns = IntStream.range(0, headers.size()).mapToObj(this::column).toList();
        var lines = new ArrayList<String>();
        lines.add(rule(ruling.top, columns));
        lines.addAll(row(0, columns));
        lines.add(rule(ruling.belowHeader, columns));
        for (int row = 1; row <= rows.size(); row++) {
            if (row > 1) {
                lines.add(rule(ruling.between, columns));
            }
            lines.addAll(row(row, columns));
        }
        lines.add(rule(ruling.bottom, columns));
        return String.join(System.lineSeparator(), lines);
    }

    /** Characters of a column that is not of numbers, without its sides. */
    static int width(List<String> headers, List<List<String>> rows, int column) {
        return Math.max(
                headers.get(column).length() + HEADER_ROOM,
                rows.stream()
                        .flatMap(row -> row.get(column).lines())
                        .mapToInt(String::length)
                        .max()
                        .orElse(0));
    }

    /** Cells of a column, header first, each padded to the column's width. */
    private List<List<String>> column(int index) {
        var align = aligns.get(index);
        var cells = rows.stream()
                .map(row -> row.get(index).isEmpty()
                        ? List.of("")
                        : row.get(index).lines().toList())
                .toList();
        if (align == Align.DECIMAL) {
            cells = pointsBelowEachOther(cells);
        }
        int width = Math.max(
                headers.get(index).length() + HEADER_ROOM,
                cells.stream()
                        .flatMap(List::stream)
                        .mapToInt(String::length)
                        .max()
                        .orElse(0));
        return Stream.concat(Stream.of(List.of(headers.get(index))), cells.stream())
                .map(lines ->
                        lines.stream().map(line -> padded(line, width, align)).toList())
                .toList();
    }

    private static List<List<String>> pointsBelowEachOther(List<List<String>> cells) {
        int decimals = cells.stream()
                .flatMap(List::stream)
                .mapToInt(TextTable::afterPoint)
                .max()
                .orElse(0);
        return cells.stream()
                .map(lines -> lines.stream()
                        .map(line -> line + " ".repeat(decimals - afterPoint(line)))
                        .toList())
                .toList();
    }

    private List<String> row(int row, List<List<List<String>>> columns) {
        int height = columns.stream()
                .mapToInt(column -> column.get(row).size())
                .max()
                .orElse(1);
        return IntStream.range(0, height)
                .mapToObj(line -> columns.stream()
                        .map(column ->
                                line < column.get(row).size() ? column.get(row).get(line) : " ".repeat(width(column)))
                        .collect(Collectors.joining(" " + ruling.side + " ", ruling.side + " ", " " + ruling.side)))
                .toList();
    }

    private static String rule(String parts, List<List<List<String>>> columns) {
        var line = parts.substring(1, 2);
        return columns.stream()
                .map(column -> line.repeat(width(column) + 2))
                .collect(Collectors.joining(parts.substring(2, 3), parts.substring(0, 1), parts.substring(3)));
    }

    private static int width(List<List<String>> column) {
        return column.getFirst().getFirst().length();
    }

    private static String padded(String text, int width, Align align) {
        var blanks = " ".repeat(width - text.length());
        return align == Align.LEFT ? text + blanks : blanks + text;
    }

    /** Characters from the decimal point, or exponent, on. */
    private static int afterPoint(String number) {
        int point = number.indexOf('.');
        int from = point >= 0 ? point : number.indexOf('e');
        return from < 0 ? 0 : number.length() - from;
    }
}
