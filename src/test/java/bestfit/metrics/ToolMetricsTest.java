package bestfit.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.SequencedMap;
import org.junit.jupiter.api.Test;

/** One request: role event after 40 ms, tokens at 50, 70, 90 ms in three events, closed after 95 ms; by hand. */
class ToolMetricsTest {
    private static final long MS = 1_000_000;
    private static final List<Measurement> RUN = List.of(request(0), request(1));

    private static Measurement request(int index) {
        long start = 1000L * index * MS;
        return new Measurement(
                index,
                0,
                start,
                start,
                start,
                start + 40 * MS,
                start + 50 * MS,
                start + 90 * MS,
                start + 95 * MS,
                7,
                3,
                null,
                start / 1000,
                ChunkTimes.of(new long[] {50 * MS, 70 * MS, 90 * MS}, 3));
    }

    private static double mean(SequencedMap<String, Distribution> times, String name) {
        var d = times.get(name);
        return d == null ? Double.NaN : d.mean();
    }

    @Test
    void sameRun_byEachTool() {
        var vllm = ToolMetrics.of(Definition.VLLM, RUN).times();
        assertThat(mean(vllm, "ttft_ms")).isCloseTo(40, within(1e-9));
        assertThat(mean(vllm, "tpot_ms")).isCloseTo(25, within(1e-9));
        assertThat(mean(vllm, "itl_ms")).isCloseTo(50.0 / 3, within(1e-9));
        assertThat(mean(vllm, "e2el_ms")).isCloseTo(90, within(1e-9));
        var guidellm = ToolMetrics.of(Definition.GUIDELLM, RUN).times();
        assertThat(mean(guidellm, "time_to_first_token_ms")).isCloseTo(50, within(1e-9));
        assertThat(mean(guidellm, "inter_token_latency_ms")).isCloseTo(20, within(1e-9));
        assertThat(mean(guidellm, "time_per_output_token_ms")).isCloseTo(30, within(1e-9));
        assertThat(mean(guidellm, "request_latency_s")).isCloseTo(0.095, within(1e-9));
        var aiperf = ToolMetrics.of(Definition.AIPERF, RUN).times();
        assertThat(mean(aiperf, "request_latency_ms")).isCloseTo(90, within(1e-9));
        assertThat(mean(aiperf, "inter_token_latency_ms")).isCloseTo(20, within(1e-9));
        assertThat(mean(aiperf, "time_to_second_token_ms")).isCloseTo(20, within(1e-9));
        assertThat(ToolMetrics.of(Definition.COMPRESSA, RUN).values())
                .containsEntry("TTFT", 0.04)
                .hasEntrySatisfying("TPOT", tpot -> assertThat(tpot).isCloseTo(0.19 / 6, within(1e-6)));
    }

    @Test
    void vllmsPeak_countsEventsOfASecond() {
        var peak = VllmMetrics.of(RUN).peak();
        assertThat(peak.events()).isEqualTo(4);
        assertThat(peak.requests()).isEqualTo(1);
    }
}
