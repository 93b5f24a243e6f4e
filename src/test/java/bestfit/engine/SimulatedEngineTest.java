package bestfit.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.withinPercentage;

import bestfit.config.Json;
import bestfit.engine.StepExecutor.Row;
import bestfit.model.ModelSpec;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SimulatedEngineTest {
    private static final int PROMPT = 1000;
    private static final int OUTPUT = 100;
    private static final String QWEN3_32B = """
            {"architectures": ["Qwen3ForCausalLM"], "hidden_size": 5120, "num_hidden_layers": 64, "head_dim": 128,
             "num_attention_heads": 64, "num_key_value_heads": 8, "intermediate_size": 25600, "vocab_size": 151936,
             "max_position_embeddings": 40960, "torch_dtype": "bfloat16"}""";

    @TempDir
    Path directory;

    private EngineUnderTest start(String... more) throws IOException {
        Files.writeString(directory.resolve("config.json"), QWEN3_32B);
        return EngineUnderTest.serving(directory.toString(), more);
    }

    private static String completion(int seedToken) {
        var body = Json.object().put("max_tokens", OUTPUT).put("temperature", 0).put("ignore_eos", true);
        var prompt = body.putArray("prompt");
        for (int i = 0; i < PROMPT; i++) {
            prompt.add((i * 7 + seedToken) % 2000);
        }
        return body.toString();
    }

    @Test
    void aRequestTakesTheTimeItsStepsWouldAndSaysThatItIsSimulated() throws IOException {
        var spec = ModelSpec.parse("config.json", QWEN3_32B, null);
        var gpu = SimulatedGpu.find("H100-SXM").orElseThrow();
        var timer = new RooflineTimer(spec, gpu, 4, 1, 2, 2);
        long expectedNanos = timer.stageNanos(List.of(row(PROMPT, 0)));
        for (int i = 1; i < OUTPUT; i++) {
            expectedNanos += timer.stageNanos(List.of(row(1, PROMPT + i - 1)));
        }
        try (var engine =
                start("--simulate", "4xH100-SXM", "--time-scale", "2", "-tp", "4", "--max-model-len", "4096")) {
            var version = Json.parse(engine.get("/version").text());
            assertThat(version.get("version").asString()).endsWith("simulated");
            assertThat(version.get("simulated").asString()).isEqualTo("4xH100-SXM");
            engine.json("/v1/completions", completion(0));
            double before = engine.metric("vllm:e2e_request_latency_seconds_sum");
            var first = engine.json("/v1/completions", completion(1));
            assertThat(engine.metric("vllm:e2e_request_latency_seconds_sum") - before)
                    .isCloseTo(expectedNanos / 1e9, withinPercentage(5));
            // From the cache now: a shorter prefill, the same answer.
            var again = engine.json("/v1/completions", completion(1));
            assertThat(again.get("choices")).isEqualTo(first.get("choices"));
            assertThat(engine.metric("vllm:prefix_cache_hits_total")).isPositive();
            assertThat(engine.json("/v1/completions", completion(2)).get("choices"))
                    .isNotEqualTo(first.get("choices"));
        }
    }

    private static Row row(int tokens, int start) {
        return new Row("a", new int[tokens], start, new int[0], SamplingParams.GREEDY, null, PROMPT, -1);
    }

    @Test
    void whatDoesNotFitTheGpusIsRefusedAsVllmDoes() throws IOException, ArgumentError, StartFailure {
        Files.writeString(directory.resolve("config.json"), QWEN3_32B);
        var one = List.of(directory.toString(), "--simulate", "8x4070tis");
        assertThatThrownBy(() -> EngineServer.start(EngineArgs.read(one, OptionalInt.empty()), EngineLog.SILENT))
                .isInstanceOf(StartFailure.class)
                .hasMessageContaining("CUDA out of memory");
        var eight = List.of(directory.toString(), "--simulate", "8x4070tis", "-tp", "8", "--quantization", "fp8");
        var config = EngineConfig.decide(
                EngineArgs.read(eight, OptionalInt.empty()), ModelSpec.parse("config.json", QWEN3_32B, null));
        assertThat(config.kvTokens()).isBetween(250_000L, 320_000L);
        assertThatThrownBy(() -> EngineArgs.read(List.of("tiny", "--simulate", "8xnothing"), OptionalInt.empty()))
                .isInstanceOf(ArgumentError.class)
                .hasMessageContaining("known GPUs: 3090, 4090, 4070tis");
    }

    @Test
    void theKvSpaceOfAMeasuredStartIsMet() throws ArgumentError, StartFailure {
        // vLLM 0.19 on an RTX 4090 reported 41,408 tokens.
        var llama = """
                {"architectures": ["LlamaForCausalLM"], "hidden_size": 4096, "num_hidden_layers": 32,
                 "num_attention_heads": 32, "num_key_value_heads": 8, "intermediate_size": 14336, "vocab_size": 128256,
                 "max_position_embeddings": 131072, "torch_dtype": "bfloat16"}""";
        var args = EngineArgs.read(
                List.of("llama", "--simulate", "1x4090", "--gpu-memory-utilization", "0.9", "--max-model-len", "8192"),
                OptionalInt.empty());
        assertThat(EngineConfig.decide(args, ModelSpec.parse("config.json", llama, null))
                        .kvTokens())
                .isCloseTo(41_408L, withinPercentage(5));
    }
}
