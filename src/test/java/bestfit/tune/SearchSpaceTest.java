package bestfit.tune;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import bestfit.args.VllmArgs;
import bestfit.config.ConfigException;
import bestfit.hardware.Device;
import bestfit.hardware.Inventory;
import bestfit.model.ModelSpec;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class SearchSpaceTest {
    private static ModelShape model(int heads, int kvHeads, int layers) {
        return shape(heads, kvHeads, layers, 64, 256, 8192);
    }

    private static ModelShape shape(int heads, int kvHeads, int layers, int headDim, int hidden, int positions) {
        var config = """
                {"architectures": ["Qwen3ForCausalLM"], "model_type": "qwen3", "hidden_size": %d, "head_dim": %d,
                 "intermediate_size": %d, "num_hidden_layers": %d, "num_attention_heads": %d, "num_key_value_heads": %d,
                 "vocab_size": 2048, "max_position_embeddings": %d, "rms_norm_eps": 1e-6, "rope_theta": 1000000,
                 "tie_word_embeddings": true, "torch_dtype": "bfloat16", "hidden_act": "silu"}
                """.formatted(hidden, headDim, 5 * hidden, layers, heads, kvHeads, positions);
        var spec = ModelSpec.parse("config.json", config, null);
        return new ModelShape("m", spec, spec.dtype());
    }

    private static SearchSpace space(ModelShape model, int devices, int users, String... mandatory) {
        return SearchSpace.enumerate(
                new SearchSpace.Query(model, "auto", Inventory.cores(devices), users, VllmArgs.of(mandatory), true));
    }

    private static List<String> titles(SearchSpace space) {
        return space.candidates().stream().map(Candidate::title).toList();
    }

    private static List<String> reasons(SearchSpace space, int tp) {
        return space.rejections().stream()
                .filter(each -> each.candidate().layout().tp() == tp)
                .map(Rejection::reason)
                .toList();
    }

    @Test
    void sixHeadsOnFourDevicesLeaveOutTp4() {
        var space = space(model(6, 6, 4), 4, 4);
        assertThat(titles(space)).noneMatch(title -> title.startsWith("TP 4"));
        assertThat(reasons(space, 4)).containsExactly("6 heads are not divisible by TP 4");
        assertThat(titles(space)).contains("TP 3 PP 1 ×1 default", "TP 1 PP 1 ×4 default", "TP 2 PP 2 ×1 default");
    }

    @Test
    void twoCoresGiveEveryLayoutWithAndWithoutABoundThatBinds() {
        var space = space(model(8, 4, 4), 2, 4);
        assertThat(titles(space))
                .containsExactly(
                        "TP 1 PP 1 ×2 default",
                        "TP 1 PP 1 ×2 seqs 1",
                        "TP 1 PP 2 ×1 default",
                        "TP 1 PP 2 ×1 seqs 2",
                        "TP 2 PP 1 ×1 default",
                        "TP 2 PP 1 ×1 seqs 2");
        assertThat(space.rejections())
                .extracting(Rejection::reason)
                .contains("the same as the default here: 4 users are at most 2 per instance");
    }

    @Test
    void kvHeadsAreSplitOrCopiedEvenly() {
        assertThat(reasons(space(model(12, 4, 4), 6, 4), 6))
                .containsExactly("4 KV heads can be neither split over TP 6 evenly nor copied evenly");
        assertThat(titles(space(model(8, 2, 4), 4, 4))).contains("TP 4 PP 1 ×1 default");
    }

    @Test
    void pipelineHasAtMostALayerAStage() {
        assertThat(reasons(space(model(8, 4, 2), 4, 4), 1)).contains("PP 3 has more stages than the model's 2 layers");
    }

    @Test
    void layoutsThatDoNotFitInMemoryAreLeftOut() {
        var devices = IntStream.range(0, 8)
                .mapToObj(i -> new Device(Device.Kind.GPU, i, "4070 S Ti", 16_000_000_000L))
                .toList();
        var model = shape(64, 8, 64, 128, 5120, 32_768);
        var space = SearchSpace.enumerate(
                new SearchSpace.Query(model, "auto", new Inventory(devices, 0), 10, VllmArgs.of(), false));
        assertThat(titles(space)).contains("TP 8 PP 1 ×1 default", "TP 4 PP 2 ×1 default");
        assertThat(reasons(space, 4).getFirst())
                .startsWith("a device needs 15.6")
                .contains(" GB of weights and ")
                .endsWith("it has 14.4 GB");
        var offloaded = SearchSpace.enumerate(new SearchSpace.Query(
                model, "auto", new Inventory(devices, 0), 10, VllmArgs.of("--cpu-offload-gb", "10"), false));
        assertThat(titles(offloaded)).contains("TP 4 PP 1 ×2 default").doesNotContain("TP 2 PP 1 ×4 default");
    }

    @Test
    void mandatoryArgsAreInEveryConfigAndFixWhatTheySay() {
        var space = space(model(8, 4, 4), 2, 4, "-tp", "2", "--quantization", "fp8");
        assertThat(space.candidates())
                .isNotEmpty()
                .allSatisfy(
                        each -> assertThat(each.config().args().list()).startsWith("-tp", "2", "--quantization", "fp8"))
                .allSatisfy(each -> assertThat(each.config().args().has("--tensor-parallel-size"))
                        .isTrue());
        assertThat(titles(space)).containsExactly("TP 2 PP 1 ×1 default", "TP 2 PP 1 ×1 seqs 2");
        assertThat(reasons(space, 1)).contains("your args fix TP 2");
        assertThatThrownBy(() -> space(model(8, 4, 4), 2, 4, "--tensor-parallel-size", "4"))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("raise --devices");
        assertThatThrownBy(() -> space(model(8, 4, 4), 2, 4, "--port", "99"))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("--port is the node's");
    }
}
