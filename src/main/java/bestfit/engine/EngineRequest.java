package bestfit.engine;

import bestfit.engine.StepExecutor.Logprobs;
import bestfit.engine.StepExecutor.Row;
import bestfit.grammar.TokenGrammar;
import bestfit.scheduler.ScheduledStep.Chunk;
import bestfit.scheduler.Sequence;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** One sequence to generate, with where its tokens go. The core's thread owns what changes. */
final class EngineRequest {
    /**
     * What is asked.
     *
     * @param id unique in the engine
     * @param choice the answer's choice that this sequence is
     * @param sampling for every token but the first {@code minTokens}
     * @param samplingBeforeMinimum for those: stop tokens banned, unless the form has to end
     * @param enforced the tokens to give, the last one again past the end; empty for a free answer
     * @param promptLogprobs alternatives for each prompt position, -1 for none
     * @param form that the answer has; null for any
     * @param cacheSalt shares cached prefixes with its like only; null with those that have none
     * @param repetition at which it ends; null for none
     */
    record Order(
            String id,
            int choice,
            int[] prompt,
            Sequence.Limits limits,
            int priority,
            SamplingParams sampling,
            SamplingParams samplingBeforeMinimum,
            int[] enforced,
            int promptLogprobs,
            @Nullable AnswerForm form,
            @Nullable String cacheSalt,
            Sequence.@Nullable Repetition repetition) {}

    final Order order;
    final Siblings siblings;
    final Sequence sequence;
    final TokenSink sink;
    final long arrivedNanos;
    /** When the last pass with it ended; before the first, when it came. */
    long computedNanos;

    long admittedNanos;
    long firstTokenNanos;
    long lastTokenNanos;
    private final TokenGrammar.@Nullable Answer form;
    private @Nullable List<Logprobs> promptLogprobs;

    EngineRequest(Order order, Siblings siblings, TokenSink sink, long arrivedNanos) {
        this.order = order;
        this.siblings = siblings;
        this.sink = sink;
        this.arrivedNanos = arrivedNanos;
        this.computedNanos = arrivedNanos;
        var made = new Sequence(order.id(), order.prompt(), order.priority(), order.limits());
        if (order.cacheSalt() != null) {
            made.withCacheSalt(order.cacheSalt());
        }
        if (order.repetition() != null) {
            made.endingAt(order.repetition());
        }
        this.form = order.form() == null ? null : order.form().begin();
        this.sequence = order.promptLogprobs() >= 0 ? made.withoutPrefixCache() : made;
    }

    /** How to sample the token after {@code generated} ones. */
    private SamplingParams samplingAt(int generated) {
        var fitting = form == null ? null : form.fitting();
        boolean hasToGoOn = generated < order.limits().minTokens() && (fitting == null || mayGoOn(fitting));
        var sampling = hasToGoOn ? order.samplingBeforeMinimum() : order.sampling();
        if (fitting != null) {
            sampling = sampling.fitting(fitting);
        }
        var enforced = order.enforced();
        return enforced.length == 0 ? sampling : sampling.enforcing(enforced[Math.min(generated, enforced.length - 1)]);
    }

    /** False when the answer's form has to end now: vLLM lets it end then, however short it is. */
    private boolean mayGoOn(BitSet fitting) {
        var others = (BitSet) fitting.clone();
        for (int stop : order.limits().stopTokens()) {
            others.clear(stop);
        }
        var allowed = order.sampling().mask().allowed();
        return allowed.length == 0
                ? !others.isEmpty()
                : Arrays.stream(allowed).filter(id -> id >= 0).anyMatch(others::get);
    }

    /** A token was generated. */
    void generated(int token) {
        if (form != null) {
            form.take(token);
        }
    }

    /** Tokens of the prompt that the prefix cache did not hold. */
    int uncachedPrompt() {
        return sequence.promptLength() - sequence.cachedTokens();
    }

    /** Its part of a pass. */
    Row row(Chunk chunk) {
        int end = chunk.start() + chunk.tokens();
        var tokens = sequence.tokens(chunk.start(), end);
        int unsampled = Math.max(0, end - sequence.length());
        if (unsampled > 0) {
            tokens[tokens.length - 1] = Row.UNSAMPLED;
        }
        int promptLogprobs = chunk.start() < sequence.promptLength() ? order.promptLogprobs() : -1;
        return new Row(
                sequence.id(),
                tokens,
                chunk.start(),
                chunk.blocks(),
                chunk.samples() ? samplingAt(sequence.generated() + unsampled) : null,
                promptLogprobs >= 0 || (chunk.samples() && needsHistory())
                        ? sequence.tokens(0, sequence.length())
                        : null,
                sequence.promptLength(),
                promptLogprobs,
                computedNanos);
    }

    /** True when sampling looks at earlier tokens. */
    private boolean needsHistory() {
        return order.sampling().needsHistory();
    }

    /** True when the next token cannot be sampled before the last one is known. */
    boolean looksBack() {
        return form != null || needsHistory();
    }

    /** A preempted prompt is computed again; what was reported of it stays. */
    void addPromptLogprobs(int start, List<Logprobs> more) {
        if (promptLogprobs == null) {
            promptLogprobs = new ArrayList<>();
        }
        int known = promptLogprobs.size() - start;
        if (known >= 0 && known < more.size()) {
            promptLogprobs.addAll(more.subList(known, more.size()));
        }
    }

    /** Hands the prompt's logprobs out once. */
    @Nullable
    List<Logprobs> takePromptLogprobs() {
        var taken = promptLogprobs;
        promptLogprobs = null;
        return taken;
    }
}
