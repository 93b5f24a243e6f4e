package bestfit.workload;

import bestfit.config.ConfigException;
import java.nio.charset.StandardCharsets;
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
                        "file " + file + ", " + entries.get(i).place()
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

    @Override
    public Optional<String> beyond(int context, int template, int asked) {
        for (int i = 0; i < Math.min(asked, entries.size()); i++) {
            var all = entries.get(i).turns();
            var sent = all.subList(0, Math.min(turns.most(), all.size()));
            // a token has a byte at least: what has fewer bytes than there is room for is not counted
            long bytes = sent.stream().mapToLong(this::mostTokens).sum();
            if (bytes + (long) template * sent.size() > context) {
                long tokens = sent.stream().mapToLong(this::tokens).sum() + (long) template * sent.size();
                if (tokens > context) {
                    return Optional.of(entries.get(i).place() + " needs " + tokens + " tokens with its "
                            + (sent.size() == 1 ? "answer" : sent.size() + " answers"));
                }
            }
        }
        return Optional.empty();
    }

    private long mostTokens(TraceFile.Turn turn) {
        return switch (turn) {
            case TraceFile.Blocks _ -> tokens(turn);
            case TraceFile.Text(var message, var told, var answer) ->
                bytes(message) + output.map(LengthDistribution::most).orElse(told.orElse(bytes(answer)));
        };
    }

    private static int bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8).length;
    }

    private long tokens(TraceFile.Turn turn) {
        long prompt = switch (turn) {
            case TraceFile.Blocks blocks -> blocks.tokens();
            case TraceFile.Text text -> texts.count(text.message());
        };
        return prompt + output.map(LengthDistribution::most).orElseGet(() -> outputTokens(turn));
    }
}
