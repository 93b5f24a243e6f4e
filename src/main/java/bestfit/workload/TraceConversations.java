package bestfit.workload;

import bestfit.config.ConfigException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.random.RandomGenerator;

/** Conversations of a {@link TraceFile}, in its order. */
final class TraceConversations implements ConversationSource {
    private static final int BLOCK_TOKENS = 512;

    private final Path file;
    private final List<TraceFile.Entry> entries;
    private final TokenText texts;
    private final Optional<LengthDistribution> output;
    private final LengthDistribution turns;
    private final boolean repeat;
    private final long seed;

    TraceConversations(List<TraceFile.Entry> entries, PromptPlan.FromFile plan, Workload workload, TokenText texts) {
        this.file = plan.file();
        this.entries = entries;
        this.texts = texts;
        this.output = workload.output();
        this.turns = workload.turns();
        this.repeat = plan.repeat();
        this.seed = workload.seed();
        for (int i = 0; i < entries.size(); i++) {
            if (output.isEmpty() && !entries.get(i).turns().stream().allMatch(TraceConversations::tellsLength)) {
                throw new ConfigException(
                        "file " + file + ", entry " + (i + 1)
                                + " tells no output_tokens and no answer; give the length with output.tokens (--output-tokens).");
            }
        }
    }

    private static boolean tellsLength(TraceFile.Turn turn) {
        return !(turn instanceof TraceFile.Text text)
                || text.outputTokens().isPresent()
                || !text.answer().isEmpty();
    }

    @Override
    public Conversation conversation(int number) {
        var entry = entries.get(number % entries.size());
        var random = RandomWords.forIndex(seed, number);
        int most = turns.draw(random);
        var asked = new ArrayList<Conversation.Turn>();
        for (var turn : entry.turns().subList(0, Math.min(most, entry.turns().size()))) {
            int tokens = output.isPresent() ? output.get().draw(random) : outputTokens(turn);
            asked.add(new Conversation.Turn(message(turn, random), tokens));
        }
        return new Conversation(asked);
    }

    private int outputTokens(TraceFile.Turn turn) {
        return switch (turn) {
            case TraceFile.Blocks blocks -> blocks.outputTokens();
            case TraceFile.Text text -> text.outputTokens().orElseGet(() -> Math.max(1, texts.count(text.answer())));
        };
    }

    private String message(TraceFile.Turn turn, RandomGenerator random) {
        return switch (turn) {
            case TraceFile.Text text -> text.message();
            case TraceFile.Blocks blocks -> blockText(blocks, random);
        };
    }

    /** The same block, the same text; what has no hash is unlike all else. */
    private String blockText(TraceFile.Blocks blocks, RandomGenerator random) {
        var parts = new ArrayList<String>();
        int left = blocks.tokens();
        for (long id : blocks.hashIds()) {
            if (left > 0) {
                int tokens = Math.min(left, BLOCK_TOKENS);
                parts.add(texts.text(tokens, RandomWords.forIndex(seed + id, BLOCK_TOKENS)));
                left -= tokens;
            }
        }
        if (left > 0) {
            parts.add(texts.text(left, random));
        }
        return String.join(" ", parts);
    }

    @Override
    public int count() {
        return repeat ? ENDLESS : entries.size();
    }
}
