package bestfit.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import bestfit.config.Json;
import bestfit.engine.StepExecutor.Row;
import bestfit.model.Dtype;
import bestfit.model.Model;
import bestfit.model.Models;
import bestfit.scheduler.ScheduledStep;
import bestfit.scheduler.Scheduler;
import bestfit.scheduler.SchedulerConfig;
import bestfit.scheduler.SchedulerConfig.PartialPrefills;
import bestfit.scheduler.SchedulerConfig.Policy;
import bestfit.scheduler.SchedulerConfig.Version;
import bestfit.scheduler.Sequence;
import bestfit.scheduler.StepQueue;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;

/**
 * The CPU executor against others' answers for the same checkpoints: transformers (src/test/resources/transformers/make.py)
 * and the real vLLM (src/test/resources/vllm/README.md); and greedy tokens against every way to schedule them.
 */
class NumericsTest {
    private static final Path TRANSFORMERS = Path.of("src/test/resources/transformers");
    private static final Path VLLM = Path.of("src/test/resources/vllm");
    private static final int BLOCK = 8;
    private static final int BLOCKS = 160;
    private static final int STEP_TOKENS = 1200;

    private static CpuExecutor open(Model model, int tp, int pp) {
        int positions = Math.min(1100, model.spec().maxPositions());
        return CpuExecutor.open(
                model,
                new CpuExecutor.Options(
                        tp, pp, BLOCK, BLOCKS, positions, model.spec().dtype(), 0));
    }

    private static JsonNode expected(Path file) throws IOException {
        return Json.parse(Files.readString(file));
    }

    private static int[] ints(JsonNode array) {
        return IntStream.range(0, array.size()).map(i -> array.get(i).asInt()).toArray();
    }

    private static List<Integer> greedy(CpuExecutor executor, int[] prompt, int count) {
        var blocks = IntStream.range(0, BLOCKS).toArray();
        var tokens = new ArrayList<Integer>();
        var next = prompt;
        for (int start = 0; tokens.size() < count; start += next.length, next = new int[] {tokens.getLast()}) {
            var row = new Row("a", next, start, blocks, SamplingParams.GREEDY, null, 0, -1);
            tokens.add(executor.submit(List.of(row)).join().sampled()[0]);
        }
        return tokens;
    }

    @ParameterizedTest
    @CsvSource({
        "qwen3-float32, 1, 1", "qwen3-float32, 2, 1", "qwen3-float32, 4, 2", "qwen3-float16, 1, 1",
                "qwen3-float16, 2, 2",
        "llama-float32, 1, 1", "llama-float32, 2, 2", "llama-bfloat16, 1, 1", "llama-bfloat16, 1, 2",
                "llama-bfloat16, 4, 1"
    })
    void aCheckpointOfTransformersAnswersAsThere(String name, int tp, int pp) throws IOException {
        var model = Models.find(TRANSFORMERS.resolve(name).toString());
        assertThat(model.spec().dtype())
                .isEqualTo(Dtype.parse(name.substring(name.indexOf('-') + 1)).orElseThrow());
        var all = new SamplingParams(
                0, 1, 0, 0, 0, 0, 1, null, model.spec().vocabSize(), Map.of(), TokenMask.NONE, -1, false);
        try (var executor = open(model, tp, pp)) {
            for (var given : expected(TRANSFORMERS.resolve(name).resolve("expected.json"))) {
                var prompt = ints(given.get("prompt"));
                var row = new Row("a", prompt, 0, IntStream.range(0, BLOCKS).toArray(), all, null, 0, -1);
                var found = Objects.requireNonNull(
                        executor.submit(List.of(row)).join().logprobs()[0]);
                for (int i = 0; i < found.ids().length; i++) {
                    assertThat(found.logprobs()[i])
                            .as("token %d after %d tokens", found.ids()[i], prompt.length)
                            .isCloseTo(given.get("logprobs").get(found.ids()[i]).asDouble(), within(1e-4));
                }
                var tokens = ints(given.get("tokens"));
                assertThat(greedy(executor, prompt, tokens.length))
                        .as("after %d tokens", prompt.length)
                        .isEqualTo(Arrays.stream(tokens).boxed().toList());
            }
        }
    }

    @Test
    void theRealVllmAnswersTheSame() throws IOException {
        try (var executor = open(Models.find(VLLM.resolve("model").toString()), 1, 1)) {
            for (var given : expected(VLLM.resolve("tokens.json"))) {
                var prompt = ints(given.get("prompt"));
                var tokens = ints(given.get("tokens"));
                assertThat(greedy(executor, prompt, tokens.length))
                        .as("after %d tokens", prompt.length)
                        .isEqualTo(Arrays.stream(tokens).boxed().toList());
            }
        }
    }

    /** What the scheduler does with the same requests: as they come, all at once or in a small and crowded cache. */
    private static List<List<Integer>> scheduled(CpuExecutor executor, SchedulerConfig config, List<int[]> prompts) {
        var scheduler = Scheduler.of(config);
        var queue = new StepQueue<>(scheduler, config.outstandingSteps(), step -> executor.submit(rows(step)));
        var sequences = new ArrayList<Sequence>();
        for (var prompt : prompts) {
            var sequence = new Sequence("s" + sequences.size(), prompt, 0, new Sequence.Limits(30, 0, new int[0]));
            sequences.add(sequence);
            scheduler.add(sequence);
        }
        while (queue.hasWork()) {
            var oldest = queue.turn();
            if (oldest != null) {
                scheduler.complete(oldest.step(), oldest.pending().join().sampled());
            }
        }
        if (config.numBlocks() < BLOCKS) {
            assertThat(sequences.stream().mapToInt(Sequence::preemptions).sum())
                    .as("preemptions")
                    .isPositive();
        }
        if (config.prefixCaching() && config.numBlocks() == BLOCKS) {
            assertThat(sequences.stream().mapToInt(Sequence::cachedTokens).sum())
                    .as("cache hits")
                    .isPositive();
        }
        return sequences.stream()
                .map(s -> Arrays.stream(s.tokens(s.promptLength(), s.length()))
                        .boxed()
                        .toList())
                .toList();
    }

    private static List<Row> rows(ScheduledStep step) {
        return step.chunks().stream()
                .map(chunk -> new Row(
                        chunk.sequence().id(),
                        chunk.sequence().tokens(chunk.start(), chunk.start() + chunk.tokens()),
                        chunk.start(),
                        chunk.blocks().clone(),
                        chunk.samples() ? SamplingParams.GREEDY : null,
                        null,
                        0,
                        -1))
                .toList();
    }

    private static SchedulerConfig config(Version version, int stepTokens, int blocks, boolean prefixCaching, int pp) {
        return new SchedulerConfig(
                version,
                6,
                stepTokens,
                STEP_TOKENS,
                BLOCK,
                blocks,
                prefixCaching,
                version != Version.V0,
                0,
                Policy.FCFS,
                0,
                true,
                false,
                pp,
                PartialPrefills.ONE);
    }

    @ParameterizedTest
    @CsvSource({"1, 1", "2, 2"})
    void prefixCacheChunksAndPreemptionChangeNoToken(int tp, int pp) {
        var shared = new Random(3).ints(50, 0, 2000).toArray();
        var prompts = IntStream.range(0, 9)
                .mapToObj(i -> {
                    var prompt = Arrays.copyOf(shared, 60 + 7 * i);
                    for (int at = 50; at < prompt.length; at++) {
                        prompt[at] = (at * 31 + i * 17) % 2000;
                    }
                    return prompt;
                })
                .toList();
        try (var executor = open(Models.find(Models.TINY), tp, pp)) {
            var plain = prompts.stream().map(p -> greedy(executor, p, 30)).toList();
            assertThat(plain).doesNotHaveDuplicates();
            for (var version : Version.values()) {
                int stages = version == Version.V0 ? 1 : pp;
                for (boolean prefixCaching : new boolean[] {false, true}) {
                    assertThat(scheduled(
                                    executor, config(version, STEP_TOKENS, BLOCKS, prefixCaching, stages), prompts))
                            .as("%s, prefix cache %s", version, prefixCaching)
                            .isEqualTo(plain);
                    assertThat(scheduled(executor, config(version, STEP_TOKENS, 40, prefixCaching, stages), prompts))
                            .as("%s, prefix cache %s, preempted", version, prefixCaching)
                            .isEqualTo(plain);
                    if (version != Version.V0) {
                        assertThat(scheduled(executor, config(version, 23, BLOCKS, prefixCaching, stages), prompts))
                                .as("%s, prefix cache %s, chunks of 23", version, prefixCaching)
                                .isEqualTo(plain);
                    }
                }
            }
        }
    }
}
