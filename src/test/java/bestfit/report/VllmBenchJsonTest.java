package bestfit.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import bestfit.config.Json;
import bestfit.metrics.ChunkTimes;
import bestfit.metrics.Measurement;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.node.ObjectNode;

/** What {@code vllm bench serve --save-result} of vLLM 0.32 writes: keys, their order, units and statistics. */
class VllmBenchJsonTest {
    private static final long MS = 1_000_000;
    private static final List<Measurement> REQUESTS = List.of(failed(1, 1000 * MS), answered(0, 1000 * MS));

    /** Role chunk after 10 ms, then three tokens 20 ms apart, the first after 30 ms. */
    private static Measurement answered(int index, long start) {
        long[] tokens = {30 * MS, 50 * MS, 70 * MS};
        return new Measurement(
                index,
                0,
                start - 5 * MS,
                start,
                start,
                start + 10 * MS,
                start + tokens[0],
                start + tokens[2],
                start + 71 * MS,
                7,
                3,
                null,
                start / 1000,
                ChunkTimes.of(tokens, 3));
    }

    private static Measurement failed(int index, long start) {
        return new Measurement(
                index,
                0,
                start,
                start,
                start,
                Measurement.NEVER,
                Measurement.NEVER,
                Measurement.NEVER,
                start + MS,
                0,
                0,
                "http status: 500",
                start / 1000,
                ChunkTimes.of(new long[0], 0));
    }

    private static ObjectNode run(String endpoint) {
        return Json.object().put("model", "m").put("endpoint", endpoint);
    }

    @Test
    void keys_areVllmsInItsOrder() {
        var run = run("/v1/chat/completions").put("concurrency", 2);
        var detailed = VllmBenchJson.of(run, REQUESTS, Optional.empty(), true);
        assertThat(String.join(" ", detailed.propertyNames()))
                .isEqualTo("date endpoint_type backend label model_id tokenizer_id num_prompts request_rate burstiness"
                        + " max_concurrency duration completed failed total_input_tokens total_output_tokens"
                        + " request_throughput request_goodput output_throughput total_token_throughput input_lens"
                        + " output_lens ttfts itls latencies start_times queue_times generated_texts errors"
                        + " max_output_tokens_per_s max_concurrent_requests rtfx"
                        + " mean_ttft_ms median_ttft_ms std_ttft_ms p99_ttft_ms"
                        + " mean_tpot_ms median_tpot_ms std_tpot_ms p99_tpot_ms"
                        + " mean_itl_ms median_itl_ms std_itl_ms p99_itl_ms"
                        + " mean_e2el_ms median_e2el_ms std_e2el_ms p99_e2el_ms");
        var plain = VllmBenchJson.of(run, REQUESTS, Optional.empty(), false);
        assertThat(plain.propertyNames())
                .contains("latencies", "queue_times")
                .doesNotContain("ttfts", "itls", "start_times", "generated_texts", "errors", "input_lens");
    }

    @Test
    void values_areInSecondsByRequest_andMillisecondsInTheMean() {
        var json = VllmBenchJson.of(run("/v1/completions").put("rate", 4), REQUESTS, Optional.empty(), true);
        assertThat(json.path("backend").asString()).isEqualTo("openai");
        assertThat(json.path("request_rate").asDouble()).isEqualTo(4);
        assertThat(json.path("completed").asInt()).isEqualTo(1);
        assertThat(json.path("failed").asInt()).isEqualTo(1);
        assertThat(json.at("/ttfts/0").asDouble()).isCloseTo(0.010, within(1e-9));
        assertThat(json.at("/ttfts/1").asDouble()).isZero();
        assertThat(json.path("itls").toString()).isEqualTo("[[0.02,0.02,0.02],[]]");
        assertThat(json.path("output_lens").toString()).isEqualTo("[3,0]");
        assertThat(json.at("/queue_times/0").asDouble()).isCloseTo(0.005, within(1e-9));
        assertThat(json.at("/errors/1").asString()).isEqualTo("http status: 500");
        assertThat(json.path("mean_ttft_ms").asDouble()).isCloseTo(10, within(1e-6));
        assertThat(json.path("mean_tpot_ms").asDouble()).isCloseTo(30, within(1e-6));
        assertThat(json.path("mean_e2el_ms").asDouble()).isCloseTo(70, within(1e-6));
        assertThat(json.path("std_ttft_ms").asDouble()).isZero();
    }
}
