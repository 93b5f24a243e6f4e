package bestfit.perf;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Comma-separated values as RFC 4180 defines them. */
final class Csv {
    /** A quote that nothing closes for so many lines is a mistake of its own line. */
    private static final int MOST_LINES = 50;

    private Csv() {}

    /**
     * One record.
     *
     * @param line of the file that it begins in, from 1
     */
    record Cells(int line, List<String> cells) {
        /** By the names of a header; cells that are missing are empty. */
        Map<String, String> by(List<String> header) {
            var row = new LinkedHashMap<String, String>();
            for (int i = 0; i < header.size(); i++) {
                row.putIfAbsent(header.get(i), i < cells.size() ? cells.get(i) : "");
            }
            return row;
        }
    }

    /** Rows of a table by the names in its first line. */
    static List<Map<String, String>> rows(String text) {
        var all = records(text);
        return all.isEmpty()
                ? List.of()
                : all.stream()
                        .skip(1)
                        .map(each -> each.by(all.getFirst().cells()))
                        .toList();
    }

    /** Everything but blank lines; a quoted cell may go on in the next line. */
    static List<Cells> records(String text) {
        var records = new ArrayList<Cells>();
        var lines = text.lines().toList();
        for (int i = 0; i < lines.size(); i++) {
            int first = i;
            var record = lines.get(i);
            if (record.isBlank()) {
                continue;
            }
            int end = i;
            for (var longer = record; open(longer) && end + 1 < lines.size() && end - first < MOST_LINES; ) {
                longer += "\n" + lines.get(++end);
                if (!open(longer)) {
                    record = longer;
                    i = end;
                }
            }
            records.add(new Cells(first + 1, parse(record)));
        }
        return records;
    }

    private static boolean open(String record) {
        return record.chars().filter(c -> c == '"').count() % 2 == 1;
    }

    static List<String> parse(String line) {
        var cells = new ArrayList<String>();
        var cell = new StringBuilder();
        boolean quoted = false;
        for (int i = 0; i < line.length(); i++) {
            char c = line.charAt(i);
            if (c == '"') {
                boolean doubled = quoted && i + 1 < line.length() && line.charAt(i + 1) == '"';
                if (doubled) {
                    cell.append('"');
                    i++;
                } else {
                    quoted = !quoted;
                }
            } else if (c == ',' && !quoted) {
                cells.add(cell.toString());
                cell.setLength(0);
            } else {
                cell.append(c);
            }
        }
        cells.add(cell.toString());
        return cells;
    }

    static String write(List<String> cells) {
        var line = new StringBuilder();
        for (int i = 0; i < cells.size(); i++) {
            var cell = cells.get(i);
            line.append(i == 0 ? "" : ",");
            boolean plain = cell.chars().noneMatch(c -> c == ',' || c == '"' || c == '\n' || c == '\r');
            line.append(plain ? cell : '"' + cell.replace("\"", "\"\"") + '"');
        }
        return line.toString();
    }
}
