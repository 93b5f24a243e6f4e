package bestfit.engine;

import java.util.Locale;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/** vLLM's statistics line: every ten seconds while there is traffic, and once more with zeros after it ends. */
final class StatsLog implements AutoCloseable {
    private static final int INTERVAL_SECONDS = 10;

    private final EngineMetrics metrics;
    private final EngineLog log;
    private final ScheduledExecutorService timer;
    private long prompts;
    private long generated;
    private boolean wasActive;

    private StatsLog(EngineMetrics metrics, EngineLog log) {
        this.metrics = metrics;
        this.log = log;
        this.timer = Executors.newSingleThreadScheduledExecutor(
                Thread.ofPlatform().name("StatsLog").daemon().factory());
    }

    static StatsLog start(EngineMetrics metrics, EngineLog log) {
        var stats = new StatsLog(metrics, log);
        var _ = stats.timer.scheduleAtFixedRate(stats::write, INTERVAL_SECONDS, INTERVAL_SECONDS, TimeUnit.SECONDS);
        return stats;
    }

    private void write() {
        long newPrompts = metrics.promptTokens.sum() - prompts;
        long newGenerated = metrics.generationTokens.sum() - generated;
        prompts += newPrompts;
        generated += newGenerated;
        boolean active = newPrompts + newGenerated > 0 || metrics.state().running() > 0;
        if (active || wasActive) {
            log.info(EngineLog.Writer.API, "loggers.py:335", line(newPrompts, newGenerated));
        }
        wasActive = active;
    }

    private String line(long newPrompts, long newGenerated) {
        var state = metrics.state();
        long queries = metrics.prefixQueries.sum();
        return String.format(
                Locale.ROOT,
                "Engine 000: Avg prompt throughput: %.1f tokens/s, Avg generation throughput: %.1f tokens/s, Running: %d"
                        + " reqs, Waiting: %d reqs, GPU KV cache usage: %.1f%%, Prefix cache hit rate: %.1f%%",
                newPrompts / (double) INTERVAL_SECONDS,
                newGenerated / (double) INTERVAL_SECONDS,
                state.running(),
                state.waiting(),
                state.kvUsage() * 100,
                queries == 0 ? 0.0 : metrics.prefixHits.sum() * 100.0 / queries);
    }

    @Override
    public void close() {
        timer.shutdownNow();
    }
}
