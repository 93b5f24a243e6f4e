package bestfit.engine;

import java.util.OptionalLong;
import java.util.regex.Pattern;

/** Reads sizes. */
final class ByteSize {
    private static final Pattern PATTERN = Pattern.compile("(\\d{1,15}(?:\\.\\d{1,6})?)\\s*([kKmMgGtT]?)(i?)[bB]?");

    private ByteSize() {}

    /** {@code 256MiB}, {@code 1.5GiB}, {@code 64m}, {@code 1000000}; a lower-case unit without {@code i} is decimal. */
    static OptionalLong parse(String text) {
        var match = PATTERN.matcher(text.strip());
        if (!match.matches()) {
            return OptionalLong.empty();
        }
        var unit = match.group(2);
        boolean decimal = match.group(3).isEmpty() && !unit.isEmpty() && Character.isLowerCase(unit.charAt(0));
        int power = unit.isEmpty() ? 0 : "kmgt".indexOf(Character.toLowerCase(unit.charAt(0))) + 1;
        return OptionalLong.of((long) (Double.parseDouble(match.group(1)) * Math.pow(decimal ? 1000 : 1024, power)));
    }

    static String show(long bytes) {
        return bytes >= 1L << 30
                ? String.format("%.2f GiB", bytes / (double) (1L << 30))
                : String.format("%.2f MiB", bytes / (double) (1L << 20));
    }
}
