package bestfit.workload;

import java.util.List;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;

/** Conversations of random text with the lengths of a workload; no two share more than their group's prefix. */
final class GeneratedConversations implements ConversationSource {
    private final TokenText texts;
    private final PromptPlan.Generated plan;
    private final LengthDistribution output;
    private final LengthDistribution turns;
    private final long seed;
    private final List<String> prefixes;

    GeneratedConversations(
            TokenText texts,
            PromptPlan.Generated plan,
            LengthDistribution output,
            LengthDistribution turns,
            long seed) {
        this.texts = texts;
        this.plan = plan;
        this.output = output;
        this.turns = turns;
        this.seed = seed;
        this.prefixes = plan.prefixTokens() == 0
                ? List.of()
                : IntStream.range(0, plan.prefixes())
                        .mapToObj(group -> texts.text(plan.prefixTokens(), RandomWords.forIndex(~seed, group)))
                        .toList();
    }

    @Override
    public Conversation conversation(int number) {
        var random = RandomWords.forIndex(seed, number);
        int count = turns.draw(random);
        return new Conversation(IntStream.range(0, count)
                .mapToObj(turn -> new Conversation.Turn(message(turn, random), output.draw(random)))
                .toList());
    }

    private String message(int turn, RandomGenerator random) {
        if (turn > 0 || prefixes.isEmpty()) {
            return texts.text(plan.tokens().draw(random), random);
        }
        var prefix = prefixes.get(random.nextInt(prefixes.size()));
        return texts.after(prefix, plan.prefixTokens(), plan.tokens().draw(random), random);
    }
}
