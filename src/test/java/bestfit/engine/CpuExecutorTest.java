package bestfit.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import bestfit.config.ConfigException;
import bestfit.engine.StepExecutor.Logprobs;
import bestfit.engine.StepExecutor.Row;
import bestfit.model.Dtype;
import bestfit.model.Model;
import bestfit.model.ModelSpec;
import bestfit.model.Models;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CpuExecutorTest {
    private static final int BLOCKS = 64;
    private static final SamplingParams WITH_LOGPROBS =
            new SamplingParams(0, 1, 0, 0, 0, 0, 1, null, 2048, Map.of(), TokenMask.NONE, -1, false);

    private static CpuExecutor.Options options(int tp, int pp, int blockSize) {
        return new CpuExecutor.Options(tp, pp, blockSize, BLOCKS, 512, Dtype.BFLOAT16, 0);
    }

    private static Model withConfig(String config) {
        return new Model("test", null, ModelSpec.parse("test/config.json", config, null));
    }

    private static int[] prompt(int length, int seed) {
        return new Random(seed).ints(length, 0, 2045).toArray();
    }

    /** One sequence that keeps its blocks, stepped by hand. */
    private static final class Session {
        final CpuExecutor executor;
        final String id;
        final int[] blocks;
        final List<Integer> tokens = new ArrayList<>();
        int computed;

        Session(CpuExecutor executor, String id, int[] prompt, int[] blocks) {
            this.executor = executor;
            this.id = id;
            this.blocks = blocks;
            Arrays.stream(prompt).forEach(tokens::add);
        }

        Row next(int count, @Nullable SamplingParams params) {
            int end = Math.min(computed + count, tokens.size());
            var ids = tokens.subList(computed, end).stream().mapToInt(i -> i).toArray();
            var row = new Row(id, ids, computed, blocks, end == tokens.size() ? params : null, null, 0, -1);
            computed = end;
            return row;
        }

        List<Integer> generate(int chunk, int count) {
            int from = tokens.size();
            while (tokens.size() < from + count) {
                var output = executor.submit(List.of(next(chunk, SamplingParams.GREEDY)))
                        .join();
                if (output.sampled()[0] >= 0) {
                    tokens.add(output.sampled()[0]);
                }
            }
            return List.copyOf(tokens.subList(from, tokens.size()));
        }
    }

    private static int[] blocks(int from, int to) {
        return IntStream.range(from, to).toArray();
    }

    /** Log-probabilities of all tokens after a prompt, by id. */
    private static double[] distribution(CpuExecutor executor, int[] prompt) {
        var row = new Row("a", prompt, 0, blocks(0, BLOCKS), WITH_LOGPROBS, null, 0, -1);
        var logprobs = executor.submit(List.of(row)).join().logprobs()[0];
        return byId(Objects.requireNonNull(logprobs));
    }

    private static double[] byId(Logprobs logprobs) {
        var values = new double[logprobs.ids().length];
        for (int i = 0; i < values.length; i++) {
            values[logprobs.ids()[i]] = logprobs.logprobs()[i];
        }
        return values;
    }

    @ParameterizedTest
    @CsvSource({"1,1,16", "2,1,16", "4,1,16", "1,2,16", "2,2,7", "4,2,32", "1,4,16"})
    void vectorsAgreeWithThePlainFormulasInEveryLayout(int tp, int pp, int blockSize) {
        var prompt = prompt(75, 1);
        try (var plain = CpuExecutor.open(Models.find("tiny"), options(1, 1, 16), new PlainOps());
                var vector = CpuExecutor.open(Models.find("tiny"), options(tp, pp, blockSize))) {
            var expected = distribution(plain, prompt);
            assertThat(distribution(vector, prompt)).containsExactly(expected, within(1e-4));
            assertThat(Arrays.stream(expected).max().orElseThrow()
                            - Arrays.stream(expected).min().orElseThrow())
                    .isGreaterThan(5);
        }
    }

    @ParameterizedTest
    @CsvSource({"1", "3", "6"})
    void oddSizesBiasesAndSharedKvHeadsAgreeToo(int tp) {
        var model = withConfig("""
                {"architectures": ["Qwen2ForCausalLM"], "hidden_size": 60, "num_hidden_layers": 3,
                 "num_attention_heads": 6, "num_key_value_heads": 3, "intermediate_size": 150,
                 "vocab_size": 2048, "max_position_embeddings": 512, "torch_dtype": "float32"}""");
        try (var plain = CpuExecutor.open(model, options(1, 1, 5), new PlainOps());
                var vector = CpuExecutor.open(model, options(tp, 2, 5))) {
            var prompt = prompt(41, 2);
            assertThat(distribution(vector, prompt)).containsExactly(distribution(plain, prompt), within(1e-4));
        }
    }

    @Test
    void chunksScatteredBlocksAndNeighboursChangeNoToken() {
        var prompt = prompt(150, 3);
        try (var executor = CpuExecutor.open(Models.find("tiny"), options(2, 2, 16))) {
            var whole = new Session(executor, "a", prompt, blocks(0, 20)).generate(150, 20);
            var chunked = new Session(executor, "a", prompt, blocks(0, 20)).generate(13, 20);
            assertThat(chunked).isEqualTo(whole);
            var scattered = new ArrayList<Integer>();
            IntStream.range(0, BLOCKS).forEach(scattered::add);
            Collections.shuffle(scattered, new Random(4));
            var order = scattered.stream().mapToInt(i -> i).toArray();
            assertThat(new Session(executor, "a", prompt, Arrays.copyOf(order, 20)).generate(150, 20))
                    .isEqualTo(whole);
            assertThat(besideAnother(executor, prompt)).isEqualTo(whole);
            assertThat(whole).hasSize(20);
            assertThat(new HashSet<>(whole)).hasSizeGreaterThan(5);
        }
    }

    /** The same sequence while another one prefills in chunks and decodes, two passes in flight. */
    private static List<Integer> besideAnother(CpuExecutor executor, int[] prompt) {
        var main = new Session(executor, "a", prompt, blocks(0, 20));
        var other = new Session(executor, "b", prompt(200, 5), blocks(20, 40));
        var pending = new ArrayList<CompletableFuture<StepExecutor.Output>>();
        while (main.tokens.size() < prompt.length + 20) {
            if (other.computed + 14 > other.tokens.size()) {
                other.tokens.addAll(Collections.nCopies(50, 7));
            }
            var step = executor.submit(List.of(other.next(7, null), main.next(150, SamplingParams.GREEDY)));
            pending.add(executor.submit(List.of(other.next(7, null))));
            main.tokens.add(step.join().sampled()[1]);
        }
        pending.forEach(CompletableFuture::join);
        return main.tokens.subList(prompt.length, prompt.length + 20);
    }

    @Test
    void promptLogprobsAreThoseOfTheNextToken() {
        var prompt = prompt(300, 6);
        try (var executor = CpuExecutor.open(Models.find("tiny"), options(2, 1, 16))) {
            var row = new Row("a", prompt, 0, blocks(0, 20), SamplingParams.GREEDY, prompt, prompt.length, 3);
            var output = executor.submit(List.of(row)).join();
            var found = Objects.requireNonNull(output.promptLogprobs()[0]);
            assertThat(found).hasSize(299);
            for (int at : new int[] {1, 128, 250}) {
                var after = distribution(executor, Arrays.copyOf(prompt, at));
                var there = found.get(at - 1);
                assertThat(there.chosen()).isEqualTo(prompt[at]);
                assertThat(there.chosenLogprob()).isCloseTo(after[prompt[at]], within(1e-4));
                assertThat(there.ids()).hasSize(3);
                assertThat(there.logprobs()[0])
                        .isCloseTo(Arrays.stream(after).max().orElseThrow(), within(1e-4));
            }
        }
    }

    @Test
    void whatCannotBeSplitOrComputedIsRefused() {
        var tiny = Models.find("tiny");
        assertThatThrownBy(() -> CpuExecutor.open(tiny, options(3, 5, 16)))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("attention heads (8) must be divisible by tensor parallel size (3)")
                .hasMessageContaining("pipeline parallel size (5)");
        try (var executor = CpuExecutor.open(tiny, options(1, 1, 16))) {
            var row = new Row("a", prompt(40, 7), 0, blocks(0, 2), null, null, 0, -1);
            assertThatThrownBy(() -> executor.submit(List.of(row)))
                    .hasMessageContaining("do not hold its 40 positions");
            var penalised = new SamplingParams(0, 1, 0, 0, 1, 0, 1, null, -1, Map.of(), TokenMask.NONE, -1, false);
            var unknown = new Row("b", prompt(4, 7), 0, blocks(0, 2), penalised, null, 0, -1);
            assertThatThrownBy(() -> executor.submit(List.of(unknown))).hasMessageContaining("b need its history");
            var outside = new Row("c", new int[] {2048}, 0, blocks(0, 2), null, null, 0, -1);
            assertThatThrownBy(() -> executor.submit(List.of(outside))).hasMessageContaining("token 2048");
            var fine = new Row("d", prompt(4, 7), 0, blocks(0, 2), SamplingParams.GREEDY, null, 0, -1);
            assertThat(executor.submit(List.of(fine)).join().sampled()[0]).isNotNegative();
        }
    }
}
