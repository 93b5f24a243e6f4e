package bestfit.perf;

import bestfit.config.Problems;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/** Numbers in the cells of a table's row, as people write them: {@code 1,024}, {@code ~1000}, {@code inf}, {@code n/a}. */
record RowNumbers(Map<String, String> row, Problems problems) {
    private static final Set<String> NONE = Set.of("", "-", "nan", "n/a", "na", "none", "null", "?");

    /** A number; infinity is allowed. */
    double number(String column, double missing) {
        var text = row.getOrDefault(column, "").strip().toLowerCase(Locale.ROOT);
        if (NONE.contains(text)) {
            return missing;
        }
        if (text.matches("\\+?inf(inity)?")) {
            return Double.POSITIVE_INFINITY;
        }
        try {
            return Double.parseDouble(text.replaceAll("^[~≈]\\s*|(?<=\\d),(?=\\d{3})", ""));
        } catch (NumberFormatException e) {
            problems.add(column + " is \"" + row.get(column) + "\"; it must be a number");
            return missing;
        }
    }

    /** A whole number of at least 1. */
    int count(String column, int missing) {
        double value = number(column, missing);
        if (value < 1 || value != Math.rint(value) || value > 1_000_000) {
            problems.add(column + " is " + row.get(column) + "; it must be a whole number of at least 1");
            return 1;
        }
        return (int) value;
    }

    /** The same where 0 says that there is none. */
    int groups(String column) {
        return number(column, 1) == 0 ? 1 : count(column, 1);
    }

    double length(String column, double shareGpt) {
        if (row.getOrDefault(column, "").strip().equalsIgnoreCase("sharegpt")) {
            return shareGpt;
        }
        double value = number(column, 0);
        if (value <= 0 || value > 1e8) {
            problems.add(
                    column + " is \"" + row.getOrDefault(column, "") + "\"; it must be a number above 0 or ShareGPT");
            return 1;
        }
        return value;
    }
}
