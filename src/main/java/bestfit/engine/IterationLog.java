package bestfit.engine;

import bestfit.engine.EngineLog.Writer;
import bestfit.scheduler.ScheduledStep;
import java.util.Locale;

/** The line of each step that {@code --enable-logging-iteration-details} asks for. Used by the core's thread. */
final class IterationLog {
    /** For an engine that does not tell. */
    static final IterationLog NONE = new IterationLog(EngineLog.SILENT, false);

    private final EngineLog log;
    private final boolean on;
    private long number;

    private IterationLog(EngineLog log, boolean on) {
        this.log = log;
        this.on = on;
    }

    static IterationLog of(EngineArgs args, EngineLog log) {
        return args.logStats() && args.given().containsKey("enable_logging_iteration_details")
                ? new IterationLog(log, true)
                : NONE;
    }

    /** @param kvUsage 0 to 1 */
    void step(ScheduledStep step, long elapsedNanos, double kvUsage) {
        if (!on) {
            return;
        }
        int prompts = 0;
        int promptTokens = 0;
        for (var chunk : step.chunks()) {
            if (chunk.start() < chunk.sequence().promptLength()) {
                prompts++;
                promptTokens += chunk.tokens();
            }
        }
        log.info(
                Writer.API,
                "loggers.py:199",
                String.format(
                        Locale.ROOT,
                        "Engine 000: Iteration(%d): %d context requests, %d context tokens, %d generation requests, %d"
                                + " generation tokens, iteration elapsed time: %.2f ms, GPU KV cache usage: %.1f%%",
                        number++,
                        prompts,
                        promptTokens,
                        step.chunks().size() - prompts,
                        step.tokens() - promptTokens,
                        elapsedNanos / 1e6,
                        kvUsage * 100));
    }
}
