package bestfit.grammar;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * The texts that an answer may be. Followed byte by byte through {@link State}s, which are made when they are first met and kept:
 * an automaton with a stack, of which only what answers use is ever built. Not thread-safe.
 */
public final class Grammar {
    /** States that are kept; beyond it all are made anew. */
    private static final int MOST_STATES = 10_000;

    /** Frames that are kept; beyond it all are made anew. */
    private static final int MOST_FRAMES = 1_000_000;

    /** Ways to go on that a state keeps: more than any sensible grammar has at a time. */
    private static final int MOST_WAYS = 100_000;

    private final Form form;
    private final Map<Set<Frame>, State> states = new HashMap<>();
    private final Map<Frame, Frame> frames = new HashMap<>();

    private Grammar(Form form) {
        this.form = form;
    }

    /** One of some texts. */
    public static Grammar choice(List<String> texts) {
        return new Grammar(new Form.Choice(texts.stream().map(Form::text).toList()));
    }

    /** What a regular expression matches from its first to its last character. */
    public static Grammar regex(String regex) throws GrammarException {
        try {
            return new Grammar(RegexReader.read(regex));
        } catch (GrammarException e) {
            // vLLM's second backend wraps it into a grammar, and tells where in that.
            var escaped = regex.replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", "\\n");
            throw new GrammarException("at 1(8): invalid regex \"" + escaped + "\" (in regex): " + e.getMessage()
                    + "\n   1 | start: /" + regex + "/\n              ^");
        }
    }

    /** Any JSON object. */
    public static Grammar jsonObject() {
        return new Grammar(JsonForms.OBJECT);
    }

    /** A JSON text of a schema. */
    public static Grammar jsonSchema(JsonNode schema) throws GrammarException {
        return new Grammar(SchemaReader.read(schema));
    }

    /** True when no text at all is one of it. A byte that can come may still lead nowhere. */
    public boolean isEmpty() {
        var start = start();
        return start.ways.isEmpty() && !start.mayEnd;
    }

    /** Before the first byte. */
    public State start() {
        return state(List.of(frame(form, 0, Frame.END)));
    }

    /** After some bytes. */
    public final class State {
        private final List<Frame> ways;
        private final boolean mayEnd;
        private final @Nullable State[] next = new State[256];
        private final boolean[] known = new boolean[256];

        private State(List<Frame> ways, boolean mayEnd) {
            this.ways = ways;
            this.mayEnd = mayEnd;
        }

        /** True when the text may end here. */
        public boolean mayEnd() {
            return mayEnd;
        }

        /** After one more byte; null where no text goes on so. */
        public @Nullable State after(byte value) {
            int index = value & 0xff;
            if (!known[index]) {
                var left = new ArrayList<Frame>();
                for (var way : ways) {
                    if (way.form instanceof Form.OneByte(var bytes) && bytes.get(index)) {
                        left.add(way.rest());
                    }
                }
                next[index] = left.isEmpty() ? null : state(left);
                known[index] = true;
            }
            return next[index];
        }

        /** After more bytes; null where no text goes on so. */
        public @Nullable State after(byte[] bytes) {
            State state = this;
            for (int i = 0; i < bytes.length && state != null; i++) {
                state = state.after(bytes[i]);
            }
            return state;
        }
    }

    /**
     * What is still to come: a form of which {@code done} parts were passed, then the frame below.
     *
     * @param below null for the end of the text
     */
    private record Frame(
            @Nullable Form form, int done, @Nullable Frame below) {
        private static final Frame END = new Frame(null, 0, null);

        Frame rest() {
            return below == null ? END : below;
        }

        /** Frames are interned, so those below are the same where they are equal; forms are themselves only. */
        @Override
        @SuppressWarnings("ReferenceEquality")
        public boolean equals(@Nullable Object other) {
            return other instanceof Frame frame && frame.form == form && frame.done == done && frame.below == below;
        }

        @Override
        public int hashCode() {
            return 31 * (31 * System.identityHashCode(form) + done) + System.identityHashCode(below);
        }
    }

    private Frame frame(Form head, int done, @Nullable Frame below) {
        var frame = new Frame(head, done, below);
        var known = frames.putIfAbsent(frame, frame);
        return known == null ? frame : known;
    }

    /** Opens frames until each begins with a byte. */
    private State state(List<Frame> begun) {
        var ways = new ArrayList<Frame>();
        boolean mayEnd = false;
        var seen = new HashSet<Frame>(begun);
        var open = new ArrayList<>(begun.reversed());
        while (!open.isEmpty() && ways.size() < MOST_WAYS) {
            var frame = open.removeLast();
            if (frame.form == null) {
                mayEnd = true;
            } else if (frame.form instanceof Form.OneByte) {
                ways.add(frame);
            } else {
                for (var inner : opened(frame.form, frame)) {
                    if (seen.add(inner)) {
                        open.add(inner);
                    }
                }
            }
        }
        return kept(ways, mayEnd);
    }

    private State kept(List<Frame> ways, boolean mayEnd) {
        if (states.size() >= MOST_STATES || frames.size() >= MOST_FRAMES) {
            states.clear();
            frames.clear();
        }
        var key = new HashSet<>(ways);
        if (mayEnd) {
            key.add(Frame.END);
        }
        return states.computeIfAbsent(key, _ -> new State(ways, mayEnd));
    }

    private List<Frame> opened(Form head, Frame frame) {
        var below = frame.rest();
        return switch (head) {
            case Form.OneByte _ -> List.of(frame);
            case Form.Rule rule -> List.of(frame(rule.body(), 0, below));
            case Form.Choice(var options) ->
                options.stream().map(option -> frame(option, 0, below)).toList();
            case Form.Sequence(var parts) -> {
                if (parts.isEmpty()) {
                    yield List.of(below);
                }
                int next = frame.done + 1;
                yield List.of(frame(parts.get(frame.done), 0, next == parts.size() ? below : frame(head, next, below)));
            }
            case Form.Repeat(var part, int least, int most) -> {
                var inner = new Frame[2];
                int count = 0;
                if (frame.done >= least) {
                    inner[count++] = below;
                }
                if (frame.done < most) {
                    // Without an upper limit only the lower one is counted to, so that a loop comes back to itself.
                    int passed = most == Form.NO_LIMIT ? Math.min(frame.done + 1, least) : frame.done + 1;
                    inner[count++] = frame(part, 0, frame(head, passed, below));
                }
                yield List.of(Arrays.copyOf(inner, count));
            }
        };
    }
}
