package bestfit.grammar;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;

/** A set of Unicode characters, and its form in UTF-8. Immutable. */
final class Characters {
    static final int LAST = 0x10FFFF;
    private static final int FIRST_SURROGATE = 0xD800;
    private static final int LAST_SURROGATE = 0xDFFF;
    /** The greatest character of one byte, of two, of three and of four. */
    private static final int[] LAST_OF_LENGTH = {0x7F, 0x7FF, 0xFFFF, LAST};

    private final BitSet points;

    private Characters(BitSet points) {
        this.points = points;
    }

    static Characters of(int... rangeEnds) {
        var points = new BitSet();
        for (int i = 0; i < rangeEnds.length; i += 2) {
            points.set(rangeEnds[i], rangeEnds[i + 1] + 1);
        }
        return new Characters(points);
    }

    static Characters all() {
        return of(0, LAST);
    }

    Characters and(Characters other) {
        var both = (BitSet) points.clone();
        both.or(other.points);
        return new Characters(both);
    }

    Characters without(Characters other) {
        var rest = (BitSet) points.clone();
        rest.andNot(other.points);
        return new Characters(rest);
    }

    Characters inverted() {
        return all().without(this);
    }

    /** The only character, or -1 where there are none or several. */
    int single() {
        return points.cardinality() == 1 ? points.nextSetBit(0) : -1;
    }

    boolean isEmpty() {
        return points.isEmpty();
    }

    /** Surrogates, which UTF-8 has not, are left out. */
    Form form() {
        var oneByte = points.get(0, LAST_OF_LENGTH[0] + 1);
        var options = new ArrayList<Form>();
        if (!oneByte.isEmpty()) {
            options.add(new Form.OneByte(oneByte));
        }
        for (int first = points.nextSetBit(LAST_OF_LENGTH[0] + 1); first >= 0; ) {
            int last = points.nextClearBit(first) - 1;
            encodable(first, last, options);
            first = points.nextSetBit(last + 1);
        }
        return options.size() == 1 ? options.getFirst() : new Form.Choice(List.copyOf(options));
    }

    private static void encodable(int first, int last, List<Form> into) {
        if (first < FIRST_SURROGATE) {
            sameLength(first, Math.min(last, FIRST_SURROGATE - 1), into);
        }
        if (last > LAST_SURROGATE) {
            sameLength(Math.max(first, LAST_SURROGATE + 1), last, into);
        }
    }

    private static void sameLength(int first, int last, List<Form> into) {
        int from = first;
        for (int length = 2; length <= LAST_OF_LENGTH.length; length++) {
            int to = Math.min(last, LAST_OF_LENGTH[length - 1]);
            if (from <= to) {
                aligned(from, to, length, into);
                from = to + 1;
            }
        }
    }

    /** Splits a range until each byte but the first to differ runs over all its values. */
    private static void aligned(int first, int last, int length, List<Form> into) {
        for (int bytes = 1; bytes < length; bytes++) {
            int rest = (1 << (6 * bytes)) - 1;
            if ((first & ~rest) != (last & ~rest)) {
                if ((first & rest) != 0) {
                    aligned(first, first | rest, length, into);
                    aligned((first | rest) + 1, last, length, into);
                    return;
                }
                if ((last & rest) != rest) {
                    aligned(first, (last & ~rest) - 1, length, into);
                    aligned(last & ~rest, last, length, into);
                    return;
                }
            }
        }
        var parts = new Form[length];
        for (int i = 0; i < length; i++) {
            parts[i] = Form.bytes(byteOf(first, i, length), byteOf(last, i, length));
        }
        into.add(Form.sequence(parts));
    }

    private static int byteOf(int point, int index, int length) {
        int bits = point >> (6 * (length - 1 - index));
        return index > 0 ? 0x80 | (bits & 0x3F) : ((0xF00 >> length) & 0xFF) | bits;
    }
}
