package bestfit.engine;

import bestfit.engine.StepExecutor.Logprobs;
import bestfit.engine.StepExecutor.Output;
import bestfit.engine.StepExecutor.Row;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** One forward pass on its way through the pipeline. Written by one device of a rank at a time, handed on by queues. */
final class Pass {
    /** Logits are computed for so many positions at a time. */
    static final int LOGIT_ROWS = 128;

    final List<Row> rows;
    final List<TensorOps.Span> spans = new ArrayList<>();
    final List<Use> uses = new ArrayList<>();
    final int tokens;
    final int vocabulary;
    final CompletableFuture<Output> result = new CompletableFuture<>();
    /** The residual stream; each rank has its own copy, {@code tokens × hidden}. */
    final float[][] hidden;
    /** Shared by the last stage's devices, each writes its share of the vocabulary. */
    final float[] logits;

    private final int[] sampled;
    private final @Nullable Logprobs[] logprobs;
    private final @Nullable List<Logprobs>[] promptLogprobs;

    /**
     * A position whose logits are wanted.
     *
     * @param token its row among the pass's tokens
     * @param promptToken the prompt's next token there, or -1: a token is sampled
     */
    record Use(int row, int token, int promptToken) {}

    @SuppressWarnings({"unchecked", "rawtypes"})
    Pass(List<Row> rows, int tp, int vocabulary) {
        this.rows = List.copyOf(rows);
        this.vocabulary = vocabulary;
        this.sampled = new int[rows.size()];
        this.logprobs = new Logprobs[rows.size()];
        this.promptLogprobs = (List<Logprobs>[]) new List[rows.size()];
        int first = 0;
        for (int i = 0; i < rows.size(); i++) {
            var row = rows.get(i);
            spans.add(new TensorOps.Span(first, row.tokens().length, row.start(), row.blocks()));
            addUses(i, row, first);
            first += row.tokens().length;
            sampled[i] = -1;
        }
        this.tokens = first;
        this.hidden = new float[tp][];
        this.logits = new float[Math.multiplyExact(Math.min(uses.size(), LOGIT_ROWS), vocabulary)];
    }

    private void addUses(int index, Row row, int first) {
        var history = row.history();
        if (row.promptLogprobs() >= 0) {
            if (history == null) {
                throw new IllegalArgumentException("prompt logprobs need the row's history");
            }
            promptLogprobs[index] = new ArrayList<>();
            for (int i = 0; i < row.tokens().length && row.start() + i + 1 < row.promptLength(); i++) {
                uses.add(new Use(index, first + i, history[row.start() + i + 1]));
            }
        }
        if (row.sampling() != null) {
            uses.add(new Use(index, first + row.tokens().length - 1, -1));
        }
    }

    /** Takes the logits of some uses, which lie at the start of {@link #logits}. */
    void take(int from, int to, Sampler sampler) {
        for (int i = from; i < to; i++) {
            var use = uses.get(i);
            var row = rows.get(use.row());
            int offset = (i - from) * vocabulary;
            var prompt = promptLogprobs[use.row()];
            if (use.promptToken() >= 0 && prompt != null) {
                prompt.add(Sampler.logprobs(logits, offset, vocabulary, use.promptToken(), row.promptLogprobs()));
                continue;
            }
            var sampling = row.sampling();
            if (sampling == null) {
                continue;
            }
            int token = sampler.sample(logits, offset, row, sampling);
            sampled[use.row()] = token;
            if (sampling.logprobs() >= 0) {
                logprobs[use.row()] = sampling.processedLogprobs()
                        ? sampler.processedLogprobs(sampling, token)
                        : Sampler.logprobs(logits, offset, vocabulary, token, sampling.logprobs());
            }
        }
    }

    void complete() {
        result.complete(new Output(sampled, logprobs, promptLogprobs));
    }
}
