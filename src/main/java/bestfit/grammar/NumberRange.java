package bestfit.grammar;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Numbers between two bounds, digit by digit and without an exponent.
 *
 * @param least null for none
 * @param most null for none
 */
record NumberRange(@Nullable BigDecimal least, @Nullable BigDecimal most) {
    /** Digits behind the point of a number with bounds. */
    private static final int MOST_DECIMALS = 6;

    private static final Form DIGIT = Form.bytes('0', '9');

    Form integers() {
        return withDecimals(0);
    }

    Form numbers() {
        var options = new ArrayList<Form>();
        for (int decimals = 0; decimals <= MOST_DECIMALS; decimals++) {
            options.add(withDecimals(decimals));
        }
        return new Form.Choice(List.copyOf(options));
    }

    /** Those of exactly so many digits behind the point, as whole numbers of that unit. */
    private Form withDecimals(int decimals) {
        var from = least == null ? null : scaled(least, decimals, RoundingMode.CEILING);
        var to = most == null ? null : scaled(most, decimals, RoundingMode.FLOOR);
        var options = new ArrayList<Form>();
        if (to == null || to.signum() >= 0) {
            positive(from == null || from.signum() < 0 ? BigInteger.ZERO : from, to, decimals, options);
        }
        if (from == null || from.signum() < 0) {
            var below = new ArrayList<Form>();
            var first = to == null || to.signum() >= 0 ? BigInteger.ONE : to.negate();
            positive(first, from == null ? null : from.negate(), decimals, below);
            options.add(Form.sequence(Form.text("-"), new Form.Choice(List.copyOf(below))));
        }
        return new Form.Choice(List.copyOf(options));
    }

    private static BigInteger scaled(BigDecimal bound, int decimals, RoundingMode rounding) {
        return bound.movePointRight(decimals).setScale(0, rounding).toBigInteger();
    }

    private static void positive(BigInteger from, @Nullable BigInteger to, int decimals, List<Form> into) {
        int shortest = Math.max(from.toString().length(), decimals + 1);
        int longest = to == null ? shortest : to.toString().length();
        for (int length = shortest; length <= Math.max(longest, decimals + 1); length++) {
            // The number before the point has no leading zero, unless it is zero.
            var least = length == decimals + 1 ? BigInteger.ZERO : BigInteger.TEN.pow(length - 1);
            var first = padded(from.max(least), length);
            var last = to == null || to.toString().length() > length ? "9".repeat(length) : padded(to, length);
            if (first.compareTo(last) <= 0) {
                into.add(between(first, last, decimals));
            }
        }
        if (to == null) {
            int more = shortest - decimals;
            var whole = Form.sequence(Form.bytes('1', '9'), new Form.Repeat(DIGIT, more, Form.NO_LIMIT));
            into.add(decimals == 0 ? whole : Form.sequence(whole, Form.text("."), digits(decimals)));
        }
    }

    private static String padded(BigInteger number, int length) {
        var digits = number.toString();
        return "0".repeat(Math.max(0, length - digits.length())) + digits;
    }

    private static Form digits(int count) {
        return new Form.Repeat(DIGIT, count, count);
    }

    private static Form anyDigits(int length, int decimals) {
        return length < decimals || decimals == 0
                ? digits(length)
                : Form.sequence(digits(length - decimals), Form.text("."), digits(decimals));
    }

    /** Texts of digits, as long as both bounds; the point comes before the last {@code decimals}. */
    private static Form between(String first, String last, int decimals) {
        int length = first.length();
        if (length == 0) {
            return Form.EMPTY;
        }
        if (first.equals("0".repeat(length)) && last.equals("9".repeat(length))) {
            return anyDigits(length, decimals);
        }
        char low = first.charAt(0);
        char high = last.charAt(0);
        var point = length == decimals ? Form.text(".") : Form.EMPTY;
        var rest = new ArrayList<Form>();
        if (low == high) {
            rest.add(Form.sequence(Form.bytes(low, low), between(first.substring(1), last.substring(1), decimals)));
        } else {
            rest.add(
                    Form.sequence(Form.bytes(low, low), between(first.substring(1), "9".repeat(length - 1), decimals)));
            if (high - low > 1) {
                rest.add(Form.sequence(
                        Form.bytes(low + 1, high - 1),
                        between("0".repeat(length - 1), "9".repeat(length - 1), decimals)));
            }
            rest.add(Form.sequence(
                    Form.bytes(high, high), between("0".repeat(length - 1), last.substring(1), decimals)));
        }
        return Form.sequence(point, new Form.Choice(List.copyOf(rest)));
    }
}
