package bestfit.node;

import java.util.OptionalDouble;
import java.util.regex.Pattern;

/**
 * Finds an engine that has requests but makes no tokens. Its health endpoint does not tell: vLLM says 200 all through a
 * deadlock of its workers. Pure: fed with counters and times. Not thread-safe.
 */
final class HangDetector {
    private static final Pattern LINE = Pattern.compile("(?m)^(vllm:[a-z_]+)(?:\\{[^}]*})?\\s+(\\S+)\\s*$");

    /** An engine's counters at one moment. */
    record Progress(double tokens, double running) {
        /** Sums vLLM's metrics over engines; empty fields count as zero. */
        static Progress read(String metrics) {
            double tokens = 0;
            double running = 0;
            var lines = LINE.matcher(metrics);
            while (lines.find()) {
                var value = number(lines.group(2)).orElse(0);
                switch (lines.group(1)) {
                    case "vllm:generation_tokens_total", "vllm:prompt_tokens_total" -> tokens += value;
                    case "vllm:num_requests_running" -> running += value;
                    default -> {}
                }
            }
            return new Progress(tokens, running);
        }

        private static OptionalDouble number(String text) {
            try {
                return OptionalDouble.of(Double.parseDouble(text));
            } catch (NumberFormatException notOne) {
                return OptionalDouble.empty();
            }
        }
    }

    private final long graceNanos;
    private Progress last = new Progress(0, 0);
    private long movedAtNanos;
    private boolean fed;

    /** {@code graceNanos} of silence are allowed; 0 or less switches detection off. */
    HangDetector(long graceNanos) {
        this.graceNanos = graceNanos;
    }

    /** Takes a reading; true while the engine counts as hung. */
    boolean hung(long nowNanos, Progress progress) {
        boolean moved = !fed || progress.tokens() != last.tokens() || progress.running() == 0;
        if (moved) {
            movedAtNanos = nowNanos;
        }
        fed = true;
        last = progress;
        return graceNanos > 0 && nowNanos - movedAtNanos > graceNanos;
    }

    /** Takes a look that found an engine which does not even answer; true while it counts as hung. */
    boolean silent(long nowNanos) {
        if (!fed) {
            movedAtNanos = nowNanos;
            fed = true;
        }
        return graceNanos > 0 && nowNanos - movedAtNanos > graceNanos;
    }

    /** True when an engine counted as hung for as long again and is not expected back. */
    boolean lost(long nowNanos) {
        return fed && graceNanos > 0 && nowNanos - movedAtNanos > 2 * graceNanos;
    }

    long silentNanos(long nowNanos) {
        return nowNanos - movedAtNanos;
    }
}
