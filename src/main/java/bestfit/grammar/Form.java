package bestfit.grammar;

import java.nio.charset.StandardCharsets;
import java.util.BitSet;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** A set of byte strings, as an expression. Two forms are the same only where they are one object. */
sealed interface Form {
    /** Any one byte of a set. */
    record OneByte(BitSet bytes) implements Form {}

    /** One after the other; of none, the empty string. */
    record Sequence(List<Form> parts) implements Form {}

    /** Any one of them; of none, nothing at all. */
    record Choice(List<Form> options) implements Form {}

    /**
     * So many in a row.
     *
     * @param most {@link #NO_LIMIT} for any number
     */
    record Repeat(Form part, int least, int most) implements Form {}

    /** A form with a name, for those that contain themselves; {@link #define} comes before any use. */
    final class Rule implements Form {
        private @Nullable Form body;

        void define(Form form) {
            body = form;
        }

        Form body() {
            if (body == null) {
                throw new IllegalStateException("a rule is used that was never defined");
            }
            return body;
        }
    }

    int NO_LIMIT = Integer.MAX_VALUE;

    Form EMPTY = new Sequence(List.of());

    /** Each byte alone. */
    List<Form> SINGLE =
            IntStream.range(0, 256).mapToObj(value -> bytes(value, value)).toList();

    static Form sequence(Form... parts) {
        return new Sequence(List.of(parts));
    }

    static Form choice(Form... options) {
        return new Choice(List.of(options));
    }

    static Form optional(Form part) {
        return new Repeat(part, 0, 1);
    }

    static Form any(Form part) {
        return new Repeat(part, 0, NO_LIMIT);
    }

    static Form text(String text) {
        var bytes = text.getBytes(StandardCharsets.UTF_8);
        var parts = new Form[bytes.length];
        for (int i = 0; i < bytes.length; i++) {
            parts[i] = SINGLE.get(bytes[i] & 0xff);
        }
        return sequence(parts);
    }

    /** A byte from {@code first} to {@code last}. */
    static Form bytes(int first, int last) {
        var set = new BitSet(256);
        set.set(first, last + 1);
        return new OneByte(set);
    }
}
