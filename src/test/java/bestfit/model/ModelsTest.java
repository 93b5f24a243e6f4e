package bestfit.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import bestfit.config.ConfigException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ModelsTest {
    private static final String QWEN3_8B = """
            {"architectures": ["Qwen3ForCausalLM"], "hidden_size": 4096, "num_hidden_layers": 36,
             "num_attention_heads": 32, "num_key_value_heads": 8, "head_dim": 128, "intermediate_size": 12288,
             "vocab_size": 151936, "max_position_embeddings": 40960, "rope_theta": 1000000,
             "rms_norm_eps": 1e-06, "tie_word_embeddings": false, "torch_dtype": "bfloat16", "eos_token_id": 151645}
            """;

    @TempDir
    Path directory;

    @Test
    void sizesAreThoseOfThePublishedModel() {
        var spec = ModelSpec.parse("config.json", QWEN3_8B, "{\"eos_token_id\": [151645, 151643]}");
        // The sum of the checkpoint's tensors, as its index file says: 16,381,470,720 bytes of bfloat16.
        assertThat(ModelSizes.weightBytes(spec, spec.dtype())).isEqualTo(16_381_470_720L);
        assertThat(ModelSizes.kvBytesPerToken(spec, Dtype.BFLOAT16)).isEqualTo(147_456);
        assertThat(ModelSizes.kvBytesPerTokenPerDevice(spec, Dtype.BFLOAT16, 16, 2))
                .isEqualTo(147_456 / 16);
        assertThat(spec.eosIds()).containsExactly(151645, 151643);
    }

    @Test
    void layersAreSplitAsVllmDoes() {
        assertThat(ModelSizes.stageLayers(36, 4)).containsExactly(9, 9, 9, 9);
        assertThat(ModelSizes.stageLayers(7, 3)).containsExactly(2, 3, 2);
        assertThat(ModelSizes.stageLayers(5, 3)).containsExactly(2, 2, 1);
    }

    @Test
    void theEmbeddedModelSplitsInEveryLayoutUpToFour() {
        var spec = Models.find("tiny").spec();
        assertThat(ModelSizes.parameters(spec)).isBetween(3_500_000L, 4_500_000L);
        assertThat(spec.heads() % 4 + spec.kvHeads() % 4 + spec.layers() % 4 + spec.intermediateSize() % 4)
                .isZero();
        assertThat(Tokenizer.load(Models.find("tiny")).vocabularySize()).isEqualTo(spec.vocabSize());
    }

    @Test
    void everyWrongFieldIsNamedAtOnce() throws Exception {
        Files.writeString(directory.resolve("config.json"), """
                {"architectures": ["MambaForCausalLM"], "hidden_size": 100, "num_hidden_layers": 0,
                 "num_attention_heads": 6, "num_key_value_heads": 4, "vocab_size": "many",
                 "max_position_embeddings": 512, "torch_dtype": "int3"}""");
        assertThatThrownBy(() -> Models.find(directory.toString()))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining(directory.resolve("config.json").toString())
                .hasMessageContaining("MambaForCausalLM")
                .hasMessageContaining("Qwen3ForCausalLM, Qwen2ForCausalLM, LlamaForCausalLM")
                .hasMessageContaining("num_hidden_layers is 0; it must be a whole number of at least 1")
                .hasMessageContaining("hidden_size is 100; it must be divisible by num_attention_heads, 6")
                .hasMessageContaining("num_key_value_heads is 4; it must be a divisor of num_attention_heads, 6")
                .hasMessageContaining("intermediate_size is missing")
                .hasMessageContaining("vocab_size is \"many\"")
                .hasMessageContaining("torch_dtype is \"int3\"; it must be float32, bfloat16 or float16");
    }

    @Test
    void aModelThatIsNotThereSaysWhatIsAllowed() throws Exception {
        assertThatThrownBy(() -> Models.find("no/such/model"))
                .isInstanceOf(ConfigException.class)
                .hasMessage("model no/such/model: no such directory; give a directory with a config.json"
                        + " (and a tokenizer.json), the name of a bundled model (bestfit plan lists them), or the"
                        + " embedded model's name, tiny");
        assertThatThrownBy(() -> Models.find(directory.toString())).hasMessageContaining("no config.json in that");
        Files.writeString(directory.resolve("config.json"), "{");
        assertThatThrownBy(() -> Models.find(directory.toString())).hasMessageContaining("not valid JSON");
    }

    @Test
    void aDirectoryWithoutTokenizerTakesTheEmbeddedOne() throws Exception {
        Files.writeString(directory.resolve("config.json"), QWEN3_8B);
        assertThat(Tokenizer.load(Models.find(directory.toString())).vocabularySize())
                .isEqualTo(2048);
        Files.writeString(directory.resolve("config.json"), QWEN3_8B.replace("151936", "1000"));
        assertThatThrownBy(() -> Tokenizer.load(Models.find(directory.toString())))
                .hasMessageContaining("vocab_size is 1000; without a tokenizer.json it must be at least 2048");
        Files.writeString(directory.resolve("tokenizer.json"), "{\"model\": {\"type\": \"Unigram\"}}");
        assertThatThrownBy(() -> Tokenizer.load(Models.find(directory.toString())))
                .hasMessageContaining("model.type is Unigram; supported is BPE on bytes");
    }
}
