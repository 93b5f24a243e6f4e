package bestfit.engine;

import static org.assertj.core.api.Assertions.assertThat;

import bestfit.args.VllmArgs;
import bestfit.hardware.Inventory;
import bestfit.model.Model;
import bestfit.model.ModelSpec;
import bestfit.tune.ModelShape;
import bestfit.tune.SearchSpace;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What {@code tune} leaves out for want of memory is what the embedded engine would refuse to start with. */
class MemoryAgreementTest {
    private static ModelSpec model(int hidden, int layers, int positions) {
        return ModelSpec.parse("config.json", """
                {"architectures": ["Qwen3ForCausalLM"], "model_type": "qwen3", "hidden_size": %d, "head_dim": 32,
                 "intermediate_size": %d, "num_hidden_layers": %d, "num_attention_heads": 8, "num_key_value_heads": 4,
                 "vocab_size": 2048, "max_position_embeddings": %d, "rms_norm_eps": 1e-6, "rope_theta": 1000000,
                 "tie_word_embeddings": true, "torch_dtype": "bfloat16", "hidden_act": "silu"}
                """.formatted(hidden, 3 * hidden, layers, positions), null);
    }

    private static boolean starts(ModelSpec spec, List<String> args) throws ArgumentError {
        var all = new ArrayList<>(List.of("model"));
        all.addAll(args);
        try {
            EngineConfig.decide(EngineArgs.read(all, java.util.OptionalInt.of(2)), new Model("model", null, spec));
            return true;
        } catch (StartFailure tooBig) {
            return false;
        }
    }

    @Test
    void enumerationAndEngineSayTheSame() throws ArgumentError {
        int fitting = 0;
        int others = 0;
        for (int hidden : new int[] {256, 512, 768}) {
            for (int layers = 2; layers <= 24; layers += 2) {
                for (int positions = 4096; positions <= 65_536; positions *= 2) {
                    var spec = model(hidden, layers, positions);
                    var space = SearchSpace.enumerate(new SearchSpace.Query(
                            new ModelShape("model", spec, spec.dtype()),
                            "auto",
                            Inventory.cores(2),
                            4,
                            VllmArgs.of(),
                            true));
                    for (var candidate : space.candidates()) {
                        assertThat(starts(spec, candidate.config().args().list()))
                                .as("%d × %d, %d: %s", layers, hidden, positions, candidate.title())
                                .isTrue();
                        fitting++;
                    }
                    for (var rejection : space.rejections()) {
                        if (rejection.reason().startsWith("a device needs")) {
                            assertThat(starts(
                                            spec,
                                            rejection
                                                    .candidate()
                                                    .config()
                                                    .args()
                                                    .list()))
                                    .as("%d × %d, %d: %s", layers, hidden, positions, rejection)
                                    .isFalse();
                            others++;
                        }
                    }
                }
            }
        }
        assertThat(fitting).isGreaterThan(100);
        assertThat(others).isGreaterThan(100);
    }
}
