package bestfit.engine;

import static bestfit.engine.EngineUnderTest.TEXT;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

class MetricsTest {
    private static final Pattern LABEL = Pattern.compile("(\\w+)=\"[^\"]*\"");

    /** Without values: they are the machine's. */
    private static String series(String line) {
        if (line.startsWith("#")) {
            return line;
        }
        var series = line.substring(0, line.lastIndexOf(' '));
        return series.startsWith("vllm:cache_config_info")
                ? "vllm:cache_config_info{"
                        + String.join(
                                ",",
                                LABEL.matcher(series)
                                        .results()
                                        .map(label -> label.group(1))
                                        .toList())
                        + "}"
                : series;
    }

    @Test
    void familiesSeriesLabelsBoundsAndWords_areTheRealOnes() throws IOException {
        try (var engine = EngineUnderTest.start("--max-model-len", "4096")) {
            assertThat(engine.get("/metrics").text().lines().map(MetricsTest::series))
                    .containsExactlyElementsOf(Files.readAllLines(Path.of("src/test/resources/vllm/metrics.txt")));
        }
    }

    @Test
    void lengthsHaveBoundsAsFarAsTheContextReaches() {
        try (var engine = EngineUnderTest.start("--max-model-len", "300")) {
            assertThat(engine.get("/metrics").text())
                    .contains("vllm:request_prompt_tokens_bucket{engine=\"0\",le=\"200.0\"")
                    .doesNotContain("vllm:request_prompt_tokens_bucket{engine=\"0\",le=\"500.0\"");
        }
    }

    @Test
    void aRequestCountsOnceWithItsLongestChoice_andSoDoItsTokens() {
        try (var engine = EngineUnderTest.start("--max-model-len", "512")) {
            engine.json(TEXT, """
                    {"prompt":[[5,6,7],[8,9]],"n":2,"max_tokens":6,"ignore_eos":true,"temperature":1,"seed":1}""");
            assertThat(engine.metric("vllm:request_params_n_count")).isEqualTo(2);
            assertThat(engine.metric("vllm:request_params_n_sum")).isEqualTo(4);
            assertThat(engine.metric("vllm:request_max_num_generation_tokens_sum"))
                    .isEqualTo(12);
            assertThat(engine.metric("vllm:request_generation_tokens_sum")).isEqualTo(24);
            assertThat(engine.metric("vllm:iteration_tokens_total_sum"))
                    .as("all tokens: generated, and of prompts")
                    .isEqualTo(24 + 2 * 5);

            engine.json(TEXT, "{\"prompt\":[5,6,7],\"max_tokens\":1}");
            assertThat(engine.metric("vllm:request_time_per_output_token_seconds_count"))
                    .as("a single token takes no time after the first, and counts")
                    .isEqualTo(5);
        }
    }

    @Test
    void whatMustNotUseThePrefixCache_isNoQueryToIt() {
        try (var engine = EngineUnderTest.start("--max-model-len", "512")) {
            engine.json(TEXT, "{\"prompt\":[5,6,7],\"max_tokens\":1,\"prompt_logprobs\":1}");
            assertThat(engine.metric("vllm:prefix_cache_queries_total")).isZero();
            engine.json(TEXT, "{\"prompt\":[5,6,7],\"max_tokens\":1}");
            assertThat(engine.metric("vllm:prefix_cache_queries_total")).isEqualTo(3);
        }
    }

    @Test
    void answersWithoutARoute_countAsNone() {
        try (var engine = EngineUnderTest.start()) {
            assertThat(List.of(
                            engine.get("/nope").status(),
                            engine.get(TEXT).status(),
                            engine.get("/health").status()))
                    .containsExactly(404, 405, 200);
            assertThat(engine.metric("http_requests_total", "handler=\"none\",method=\"GET\",status=\"4xx\""))
                    .isEqualTo(2);
            assertThat(engine.metric("http_requests_total")).isEqualTo(2);
        }
    }
}
