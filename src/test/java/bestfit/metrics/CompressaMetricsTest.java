package bestfit.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import bestfit.time.NanoClock;
import bestfit.time.ScaledClock;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Expected values worked out by hand from compressa-perf's definitions. */
class CompressaMetricsTest {
    private static RequestTiming ok(double start, double end, double ttft, int in, int out) {
        return new RequestTiming(start, end, ttft, Double.NaN, in, out, true);
    }

    private static RequestTiming failed(double start, double end) {
        return new RequestTiming(start, end, 0, Double.NaN, 0, 0, false);
    }

    @Test
    void everyMetric_inCompressasOrder() {
        var metrics = CompressaMetrics.ofTimings(
                List.of(ok(100, 110, 1, 200, 50), ok(105, 175, 3, 400, 150), failed(90, 190)));
        assertThat(metrics.keySet())
                .containsExactly(
                        "TTFT",
                        "TTFT_95",
                        "TOP_5_TTFT",
                        "LATENCY",
                        "LATENCY_95",
                        "TOP_5_LATENCY",
                        "TPOT",
                        "THROUGHPUT",
                        "THROUGHPUT_INPUT_TOKENS",
                        "THROUGHPUT_OUTPUT_TOKENS",
                        "RPS",
                        "LONGER_THAN_60_LATENCY",
                        "LONGER_THAN_120_LATENCY",
                        "LONGER_THAN_180_LATENCY",
                        "FAILED_REQUESTS",
                        "FAILED_REQUESTS_PER_HOUR",
                        "TPOT_STANDARD");
        assertThat(metrics.get("TTFT")).isEqualTo(2);
        assertThat(metrics.get("TTFT_95")).isCloseTo(2.9, within(1e-9));
        assertThat(metrics.get("TOP_5_TTFT")).isEqualTo(3);
        assertThat(metrics.get("LATENCY")).isEqualTo(40);
        assertThat(metrics.get("LATENCY_95")).isCloseTo(67, within(1e-9));
        assertThat(metrics.get("TOP_5_LATENCY")).isEqualTo(70);
        assertThat(metrics.get("TPOT")).isEqualTo(80.0 / 200);
        assertThat(metrics.get("THROUGHPUT")).isCloseTo(800.0 / 75, within(1e-9));
        assertThat(metrics.get("THROUGHPUT_INPUT_TOKENS")).isEqualTo(8);
        assertThat(metrics.get("THROUGHPUT_OUTPUT_TOKENS")).isCloseTo(200.0 / 75, within(1e-9));
        assertThat(metrics.get("RPS")).isCloseTo(2.0 / 75, within(1e-9));
        assertThat(metrics.get("LONGER_THAN_60_LATENCY")).isEqualTo(1);
        assertThat(metrics.get("LONGER_THAN_120_LATENCY")).isEqualTo(0);
        assertThat(metrics.get("FAILED_REQUESTS")).isEqualTo(1);
        assertThat(metrics.get("FAILED_REQUESTS_PER_HOUR")).isEqualTo(36);
        assertThat(metrics.get("TPOT_STANDARD")).isCloseTo((9.0 / 49 + 67.0 / 149) / 2, within(1e-12));
    }

    @Test
    void withoutSuccess_noMetricPretends() {
        var metrics = CompressaMetrics.ofTimings(List.of(failed(0, 10)));
        assertThat(metrics).containsOnlyKeys("FAILED_REQUESTS", "FAILED_REQUESTS_PER_HOUR");
        assertThat(CompressaMetrics.ofTimings(List.of())).isEmpty();
        assertThat(CompressaMetrics.tokenCounts(List.of(failed(0, 10)))).isEmpty();
    }

    @Test
    void slowestTwentieth_ofHundred() {
        var requests =
                IntStream.rangeClosed(1, 100).mapToObj(i -> ok(0, i, 0.5, 1, 1)).toList();
        var metrics = CompressaMetrics.ofTimings(requests);
        assertThat(metrics.get("TOP_5_LATENCY")).isEqualTo(98);
        assertThat(metrics.get("LATENCY_95")).isCloseTo(95.05, within(1e-9));
        assertThat(metrics).doesNotContainKey("TPOT_STANDARD");
    }

    @Test
    void tokenCounts_withSampleDeviation() {
        var counts = CompressaMetrics.tokenCounts(List.of(ok(0, 1, 0, 10, 3), ok(0, 1, 0, 20, 3)));
        assertThat(counts.get("avg_n_input")).isEqualTo(15);
        assertThat(counts.get("std_n_input")).isCloseTo(7.0710678, within(1e-6));
        assertThat(counts.get("std_n_output")).isEqualTo(0);
    }

    @Test
    void warmUp_doesNotCount() {
        var warmUp = new Measurement(0, -1, 0, 0, 1, 2, 2, 3, 4, 5, 6, null, 0, ChunkTimes.NONE);
        assertThat(CompressaMetrics.of(List.of(warmUp))).isEmpty();
    }

    /** Two requests of simulated devices, one after the other: in the devices' time they take ten times as long. */
    @Test
    void throughput_inScaledTime_isOfScaledTime() {
        var clock = new ScaledClock(NanoClock.SYSTEM, 0, 10);
        var metrics = CompressaMetrics.of(List.of(
                measured(0, 100_000_000).on(clock),
                measured(100_000_000, 200_000_000).on(clock)));
        assertThat(metrics.get("LATENCY")).isCloseTo(1, within(1e-6));
        assertThat(metrics.get("RPS")).isCloseTo(1, within(1e-6));
        assertThat(metrics.get("THROUGHPUT_OUTPUT_TOKENS")).isCloseTo(60, within(1e-4));
    }

    private static Measurement measured(long startNanos, long endNanos) {
        long epochMicros = 1_795_000_000_000_000L + startNanos / 1000;
        return new Measurement(
                0,
                0,
                startNanos,
                startNanos,
                startNanos,
                startNanos + 1000,
                startNanos + 1000,
                endNanos,
                endNanos,
                200,
                60,
                null,
                epochMicros,
                ChunkTimes.NONE);
    }
}
