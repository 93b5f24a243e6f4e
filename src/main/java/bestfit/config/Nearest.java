package bestfit.config;

import java.util.Collection;
import java.util.Comparator;
import java.util.Optional;

/** Finds the known name that a mistyped one was most likely meant to be. */
public final class Nearest {
    private Nearest() {}

    /** The known name with the fewest edits, case and {@code -} against {@code _} not counted; none if all are far. */
    public static Optional<String> to(String typed, Collection<String> known) {
        return known.stream()
                .filter(name -> edits(plain(typed), plain(name)) <= Math.max(2, name.length() / 3))
                .min(Comparator.<String>comparingInt(name -> edits(plain(typed), plain(name)))
                        .thenComparing(Comparator.naturalOrder()));
    }

    private static String plain(String name) {
        return name.toLowerCase(java.util.Locale.ROOT).replace('-', '_');
    }

    /** Levenshtein's distance: insertions, deletions and replacements of one character. */
    private static int edits(String from, String to) {
        var row = new int[to.length() + 1];
        for (int j = 0; j <= to.length(); j++) {
            row[j] = j;
        }
        for (int i = 1; i <= from.length(); i++) {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= to.length(); j++) {
                int replaced = diagonal + (from.charAt(i - 1) == to.charAt(j - 1) ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.min(replaced, 1 + Math.min(row[j], row[j - 1]));
            }
        }
        return row[to.length()];
    }
}
