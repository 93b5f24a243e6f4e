package bestfit.workload;

import bestfit.config.ConfigException;
import java.util.BitSet;
import java.util.List;
import java.util.Optional;

/**
 * A workload made ready to be sent: its conversations and, in an open loop, when each is due.
 *
 * @param schedule empty for a closed loop
 * @param leftOut entries of the prompts' file in which nothing can be asked
 */
public record PlannedRequests(
        ConversationSource conversations, Optional<SendSchedule> schedule, TokenText texts, int leftOut) {
    /** Numbers from here on are not measured. */
    private static final int WARMUP = 1 << 30;

    /**
     * Reads the workload's files and finds words for its texts.
     *
     * @throws ConfigException if a file does not hold what it must, or the tokenizer does not answer
     */
    public static PlannedRequests of(Workload workload, TokenCounter tokenizer) {
        return switch (workload.prompt()) {
            case PromptPlan.Generated plan -> {
                var texts = TokenText.find(
                        tokenizer, plan.prefixTokens() + plan.tokens().most());
                var source = new GeneratedConversations(
                        texts, plan, workload.output().orElseThrow(), workload.turns(), workload.seed());
                yield new PlannedRequests(source, schedule(workload, List.of()), texts, 0);
            }
            case PromptPlan.FromFile plan -> {
                var trace = TraceFile.read(plan.file(), workload.output().isPresent());
                var entries = trace.entries();
                boolean made = entries.stream().anyMatch(entry -> entry.turns().getFirst() instanceof TraceFile.Blocks);
                var texts = TokenText.find(tokenizer, made ? 512 : 1);
                var source = new TraceConversations(entries, plan, workload, texts);
                checkCount(workload, plan, source);
                yield new PlannedRequests(source, schedule(workload, entries), texts, trace.leftOut());
            }
        };
    }

    /**
     * How many conversations have ended.
     *
     * @param done numbers of the requests that have, counted through all turns of the conversations in order
     * @param asked so many are sent at most, of the last conversation perhaps not all turns
     */
    public int ended(BitSet done, int asked) {
        int ended = 0;
        int index = 0;
        for (int number = 0; number < conversations.count() && index < done.length(); number++) {
            int next = index + conversations.conversation(number).turns().size();
            if (done.nextClearBit(index) >= Math.min(next, asked)) {
                ended++;
            }
            index = next;
        }
        return ended;
    }

    /** Conversations of the same lengths that share no text with those that are measured, but for prefixes meant to be shared. */
    public ConversationSource warmup(PromptPlan plan) {
        return switch (plan) {
            case PromptPlan.Generated _ -> number -> conversations.conversation(WARMUP + number);
            case PromptPlan.FromFile _ -> number -> alike(conversations.conversation(number), WARMUP + number);
        };
    }

    private Conversation alike(Conversation asked, int number) {
        var random = RandomWords.forIndex(number, number);
        return new Conversation(asked.turns().stream()
                .map(turn -> new Conversation.Turn(
                        texts.text(Math.max(1, texts.count(turn.message())), random), turn.outputTokens()))
                .toList());
    }

    /** Repeated prompts would meet the prefix cache of their first time. */
    private static void checkCount(Workload workload, PromptPlan.FromFile plan, ConversationSource source) {
        if (workload.load() instanceof LoadShape.Replay
                || !(workload.extent() instanceof Extent.Requests(int asked))
                || workload.turns().most() > 1) {
            return;
        }
        if (asked > source.count()) {
            throw new ConfigException("--requests " + asked + ": file " + plan.file() + " holds " + source.count()
                    + " prompts; ask for fewer, or allow prefix-cached repeats with prompt.repeat (--repeat).");
        }
    }

    private static Optional<SendSchedule> schedule(Workload workload, List<TraceFile.Entry> entries) {
        return switch (workload.load()) {
            case LoadShape.Users _ -> Optional.empty();
            case LoadShape.Rate(double rate, double burstiness, int _) ->
                Optional.of(rated(rate, burstiness, workload));
            case LoadShape.Replay(double speed, int _) ->
                Optional.of(TraceFile.schedule(
                        ((PromptPlan.FromFile) workload.prompt()).file(), entries, speed, workload.extent()));
        };
    }

    private static SendSchedule rated(double rate, double burstiness, Workload workload) {
        if (Double.isInfinite(burstiness)) {
            return SendSchedule.constant(rate, workload.extent());
        }
        return burstiness == 1
                ? SendSchedule.poisson(rate, workload.extent(), workload.seed())
                : SendSchedule.gamma(rate, burstiness, workload.extent(), workload.seed());
    }
}
