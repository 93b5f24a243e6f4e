package bestfit.engine;

import static bestfit.engine.EngineUnderTest.TEXT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.withinPercentage;

import bestfit.args.VllmArgs;
import bestfit.config.Json;
import bestfit.hardware.ServerSpec;
import bestfit.http.HttpClient;
import bestfit.model.KnownModels;
import bestfit.model.Models;
import bestfit.perf.Constants;
import bestfit.perf.EngineSettings;
import bestfit.perf.EngineVersion;
import bestfit.perf.Instance;
import bestfit.perf.Step;
import bestfit.perf.StepTimeModel;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

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
        var card = KnownModels.find("Qwen/Qwen3-32B").card();
        var server = ServerSpec.parse("4xH100-SXM");
        var settings = EngineSettings.of(
                card, server.gpu(), EngineVersion.of("0.33.0"), VllmArgs.of("--max-model-len", "4096"));
        var steps =
                new StepTimeModel(new Instance(card, settings, server.gpu(), server.link(), 4, 1), Constants.shipped());
        double expectedSeconds = steps.of(Step.mixed(PROMPT, 0, 0, 0)).seconds();
        for (int i = 1; i < OUTPUT; i++) {
            expectedSeconds += steps.of(Step.decode(1, PROMPT + i)).seconds();
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
                    .isCloseTo(expectedSeconds, withinPercentage(1));
            // From the cache now: a shorter prefill, the same answer.
            var again = engine.json("/v1/completions", completion(1));
            assertThat(again.get("choices")).isEqualTo(first.get("choices"));
            assertThat(engine.metric("vllm:prefix_cache_hits_total")).isPositive();
            assertThat(engine.json("/v1/completions", completion(2)).get("choices"))
                    .isNotEqualTo(first.get("choices"));
        }
    }

    @Test
    void eachStepIsLoggedAsVllmLogsIt() throws Exception {
        var out = new ByteArrayOutputStream();
        var args = EngineArgs.read(
                List.of(
                        "tiny",
                        "--port",
                        "0",
                        "--simulate",
                        "1xH100,step=0.02",
                        "--time-scale",
                        "10",
                        "--num-gpu-blocks-override",
                        "1000",
                        "--enable-logging-iteration-details"),
                OptionalInt.empty());
        try (var server = EngineServer.start(args, new EngineLog(new PrintStream(out, true, StandardCharsets.UTF_8)))) {
            var body = "{\"prompt\": [5, 6, 7], \"max_tokens\": 2, \"ignore_eos\": true}";
            new HttpClient()
                    .call(
                            "POST",
                            server.url() + "/v1/completions",
                            Map.of("Content-Type", "application/json"),
                            body.getBytes(StandardCharsets.UTF_8),
                            Duration.ofSeconds(20));
        }
        assertThat(out.toString(StandardCharsets.UTF_8))
                .contains(
                        "Iteration(0): 1 context requests, 3 context tokens, 0 generation requests, 0 generation tokens,"
                                + " iteration elapsed time: 20.00 ms, GPU KV cache usage:")
                .contains(
                        "Iteration(1): 0 context requests, 0 context tokens, 1 generation requests, 1 generation tokens,"
                                + " iteration elapsed time: 20.00 ms, GPU KV cache usage: 0.0%");
    }

    /** An end that only the token tells comes when the next step is on its way already; the answers are the same. */
    @Test
    void asyncScheduling_makesAStepBeforeTheOneBeforeIsKnown() {
        var greedy =
                "{\"prompt\":[5,6,7],\"max_tokens\":8,\"ignore_eos\":true,\"return_token_ids\":true,\"temperature\":0";
        var answers = new ArrayList<List<JsonNode>>();
        var generationRows = new ArrayList<Long>();
        for (var flag : List.of("--no-async-scheduling", "--async-scheduling")) {
            var log = new ByteArrayOutputStream();
            try (var engine = EngineUnderTest.logging(
                    log,
                    "tiny",
                    "--simulate",
                    "1xH100,step=0.02",
                    "--num-gpu-blocks-override",
                    "1000",
                    "--enable-logging-iteration-details",
                    flag)) {
                var free = engine.json(TEXT, greedy + "}").path("choices");
                var stop = ",\"stop_token_ids\":[" + free.at("/0/token_ids/4") + "]}";
                var more = List.of(
                        stop,
                        ",\"min_tokens\":6" + stop,
                        // What looks back at its tokens waits for them.
                        ",\"repetition_penalty\":1.5,\"bad_words\":[\"a b\"]}",
                        ",\"structured_outputs\":{\"choice\":[\"yes\",\"no\"]}}");
                var all = new ArrayList<>(List.of(free));
                more.forEach(each -> all.add(engine.json(TEXT, greedy + each).path("choices")));
                answers.add(all);
            }
            generationRows.add(log.toString(StandardCharsets.UTF_8)
                    .lines()
                    .filter(line -> line.contains(" 1 generation requests"))
                    .count());
        }
        assertThat(answers.get(1)).isEqualTo(answers.get(0));
        assertThat(answers.get(0).get(1).at("/0/token_ids")).hasSize(5);
        assertThat(generationRows.get(1)).isGreaterThan(generationRows.get(0));
    }

    /** Answers are composed before their step's end, and no machine is ever early. */
    @Test
    void nothingOfAStep_isSeenBeforeItsEnd() throws IOException, InterruptedException {
        var step = Duration.ofMillis(50);
        try (var engine =
                EngineUnderTest.start("--simulate", "1xH100,step=0.05", "--num-gpu-blocks-override", "1000")) {
            var ask = "{\"prompt\":[5,6,7],\"max_tokens\":8,\"ignore_eos\":true";
            long start = System.nanoTime();
            engine.json(TEXT, ask + "}");
            assertThat(Duration.ofNanos(System.nanoTime() - start)).isGreaterThanOrEqualTo(step.multipliedBy(8));

            var request = HttpRequest.newBuilder(URI.create(engine.server.url() + TEXT))
                    .header("Content-Type", "application/json")
                    .POST(HttpRequest.BodyPublishers.ofString(ask + ",\"stream\":true,\"return_token_ids\":true}"))
                    .build();
            try (var web = java.net.http.HttpClient.newHttpClient()) {
                long sent = System.nanoTime();
                var tokens = new AtomicInteger(); // an event has several where the reader was late
                web.send(request, HttpResponse.BodyHandlers.ofLines())
                        .body()
                        .filter(line -> line.contains("\"text\""))
                        .forEach(line -> {
                            var age = Duration.ofNanos(System.nanoTime() - sent);
                            tokens.addAndGet(Json.parse(line.substring("data: ".length()))
                                    .at("/choices/0/token_ids")
                                    .size());
                            assertThat(age).isGreaterThanOrEqualTo(step.multipliedBy(tokens.get()));
                        });
                assertThat(tokens).hasValue(8);
            }
        }
    }

    /** On a clock as fast as life events are composed before their step ends, on a faster one after it. */
    @Test
    void eventsComposedAhead_areTheSame() {
        var streams = new ArrayList<Map<String, String>>();
        for (var scale : List.of("1", "4")) {
            try (var engine = EngineUnderTest.start(
                    "--simulate", "1xH100,step=0.02", "--time-scale", scale, "--num-gpu-blocks-override", "1000")) {
                var ask = "{\"prompt\":[5,6,7],\"max_tokens\":12,\"ignore_eos\":true,\"seed\":3,\"n\":2";
                var text = engine.json(TEXT, ask + "}").at("/choices/0/text").asString();
                var streamed = ask + ",\"stream\":true,\"stream_options\":{\"include_usage\":true},\"logprobs\":2";
                var stop = ",\"stop\":" + Json.write(text.substring(text.length() / 2, text.length() / 2 + 3));
                for (var more : List.of("", stop, ",\"stream_interval\":5")) {
                    streams.add(told(engine.stream(TEXT, streamed + more + "}")));
                }
            }
        }
        assertThat(streams.subList(3, 6)).isEqualTo(streams.subList(0, 3));
        assertThat(streams.get(0).get("usage")).contains("\"completion_tokens\":24");
        assertThat(streams.get(1).get("0 end")).startsWith("\"stop\" \"");
    }

    /** What the events say of each choice; how they mix, and how many tokens one of them has, depends on who was late. */
    private static Map<String, String> told(List<JsonNode> events) {
        var told = new TreeMap<String, String>();
        for (var event : events) {
            told.merge("usage", event.path("usage").toString(), String::concat);
            for (var choice : event.path("choices")) {
                var which = choice.path("index") + " ";
                told.merge(which + "text", choice.path("text").asString(), String::concat);
                told.put(which + "end", choice.path("finish_reason") + " " + choice.path("stop_reason"));
                choice.path("logprobs")
                        .forEachEntry((name, values) ->
                                values.forEach(value -> told.merge(which + name, " " + value, String::concat)));
            }
        }
        return told;
    }

    @Test
    void whatDoesNotFitTheGpusIsRefusedAsVllmDoes() throws IOException, ArgumentError, StartFailure {
        Files.writeString(directory.resolve("config.json"), QWEN3_32B);
        var one = List.of(directory.toString(), "--simulate", "8x4070tis");
        assertThatThrownBy(() -> EngineServer.start(EngineArgs.read(one, OptionalInt.empty()), EngineLog.SILENT))
                .isInstanceOf(StartFailure.class)
                .hasMessageContaining("CUDA out of memory");
        var eight = List.of(directory.toString(), "--simulate", "8x4070tis", "-tp", "8", "--quantization", "fp8");
        var config =
                EngineConfig.decide(EngineArgs.read(eight, OptionalInt.empty()), Models.find(directory.toString()));
        assertThat(config.kvTokens()).isBetween(250_000L, 320_000L);
        assertThatThrownBy(() -> EngineArgs.read(List.of("tiny", "--simulate", "8xnothing"), OptionalInt.empty()))
                .isInstanceOf(ArgumentError.class)
                .hasMessageContaining("known are rtx3090, rtx4090, rtx4070tis");
    }

    /** vLLM's UVA offloader: whole parameters until the budget is reached; this machine's cores have no memory but the host's. */
    @Test
    void weightsInHostMemory_leaveRoomOnSimulatedGpusAndAreRefusedOnCores() throws ArgumentError, StartFailure {
        var model = Models.find("Qwen/Qwen3-32B");
        var line = List.of("Qwen/Qwen3-32B", "--simulate", "1xa6000", "--max-model-len", "4096");
        assertThatThrownBy(() -> EngineConfig.decide(EngineArgs.read(line, OptionalInt.empty()), model))
                .isInstanceOf(StartFailure.class)
                .hasMessageContaining("CUDA out of memory");
        var more = new ArrayList<>(line);
        more.addAll(List.of("--cpu-offload-gb", "30"));
        var config = EngineConfig.decide(EngineArgs.read(more, OptionalInt.empty()), model);
        // 61.0 GiB of weights; a gate_up_proj is 0.49 GiB.
        assertThat(config.memory().weights() / (double) (1L << 30)).isBetween(30.4, 31.1);
        assertThat(config.kvTokens()).isGreaterThan(30_000);
        var cores = List.of("tiny", "--cpu-offload-gb", "4");
        assertThatThrownBy(() -> EngineConfig.decide(EngineArgs.read(cores, OptionalInt.empty()), Models.find("tiny")))
                .isInstanceOf(StartFailure.class)
                .hasMessageContainingAll("--cpu-offload-gb 4", "host memory already", "--simulate");
    }

    @Test
    void aCheckpointInFp8_takesHalfTheMemoryOfItsWeights() throws ArgumentError, StartFailure {
        long[] weights = new long[2];
        var names = List.of("Qwen/Qwen3-32B", "Qwen/Qwen3-32B-FP8");
        for (int i = 0; i < weights.length; i++) {
            var args = EngineArgs.read(List.of(names.get(i), "--simulate", "1xH200"), OptionalInt.empty());
            weights[i] = EngineConfig.decide(args, Models.find(names.get(i)))
                    .memory()
                    .weights();
        }
        assertThat((double) weights[1] / weights[0]).isBetween(0.5, 0.55);
    }

    @Test
    void theKvSpaceOfAMeasuredStartIsMet() throws ArgumentError, StartFailure, IOException {
        // vLLM 0.19 on an RTX 4090 reported 41,408 tokens.
        var llama = """
                {"architectures": ["LlamaForCausalLM"], "hidden_size": 4096, "num_hidden_layers": 32,
                 "num_attention_heads": 32, "num_key_value_heads": 8, "intermediate_size": 14336, "vocab_size": 128256,
                 "max_position_embeddings": 131072, "torch_dtype": "bfloat16"}""";
        var args = EngineArgs.read(
                List.of("llama", "--simulate", "1x4090", "--gpu-memory-utilization", "0.9", "--max-model-len", "8192"),
                OptionalInt.empty());
        Files.writeString(directory.resolve("config.json"), llama);
        assertThat(EngineConfig.decide(args, Models.find(directory.toString())).kvTokens())
                .isCloseTo(41_408L, withinPercentage(5));
    }

    /** Two starts of vLLM 0.23.0 on an H200, 2026-11-29: the KV space of one, and how the other failed. */
    @Test
    void theStartsOnAnH200AreMet() throws ArgumentError, StartFailure {
        var model = Models.find("Qwen/Qwen3-8B");
        var line = List.of("Qwen/Qwen3-8B", "--simulate", "1xh200", "--max-model-len", "8192");
        assertThat(EngineConfig.decide(EngineArgs.read(line, OptionalInt.empty()), model)
                        .kvTokens())
                .isCloseTo(816_640L, withinPercentage(1));

        var tenth = new ArrayList<>(line);
        tenth.addAll(List.of(
                "--gpu-memory-utilization", "0.1")); // less than the weights alone: they are loaded all the same
        var args = EngineArgs.read(tenth, OptionalInt.empty());
        assertThatThrownBy(() -> EngineConfig.decide(args, model))
                .isInstanceOf(StartFailure.class)
                .hasMessageContaining("No available memory for the cache blocks.");
    }
}
