package bestfit.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import bestfit.config.ConfigException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class KnownModelsTest {
    /** Parameter counts as the model cards publish them, in billions; active ones where the card names them. */
    @ParameterizedTest
    @CsvSource({
        "Qwen/Qwen3-0.6B, 0.596, 0",
        "Qwen3-8B, 8.19, 0",
        "Qwen/Qwen3-32B, 32.76, 0",
        "Qwen/Qwen3-30B-A3B, 30.53, 3.3",
        "Qwen/Qwen3-235B-A22B-Instruct-2507-FP8, 235.1, 22",
        "meta-llama/Llama-3.1-8B, 8.03, 0",
        "meta-llama/Llama-3.1-70B, 70.55, 0",
        "mistralai/Mixtral-8x7B-v0.1, 46.7, 12.9",
        "google/gemma-2-9b-it, 9.24, 0",
        "microsoft/phi-4, 14.66, 0",
        "openai/gpt-oss-120b, 116.8, 5.1",
        "deepseek-ai/DeepSeek-V3, 671, 37",
        "moonshotai/Kimi-K2.6, 1026, 32",
        "MiniMaxAI/MiniMax-M2.5, 229, 10",
        "zai-org/GLM-4.6, 357, 32",
        "Qwen/QwQ-32B, 32.76, 0",
        "Qwen/Qwen2.5-0.5B-Instruct, 0.494, 0",
        "Qwen/Qwen2.5-1.5B-Instruct, 1.54, 0",
        "Qwen/Qwen2.5-3B-Instruct, 3.09, 0",
        "Qwen/Qwen2.5-7B-Instruct, 7.61, 0",
        "Qwen/Qwen2.5-14B-Instruct, 14.7, 0",
        "Qwen/Qwen2.5-72B-Instruct, 72.7, 0",
        "Qwen/Qwen2-57B-A14B-Instruct, 57.4, 14.2",
        "Qwen/Qwen3-Coder-480B-A35B-Instruct, 480, 35",
        "meta-llama/Llama-2-13b-chat-hf, 13.0, 0",
        "codellama/CodeLlama-34b-Instruct-hf, 33.7, 0",
        "meta-llama/Llama-3.2-1B-Instruct, 1.24, 0",
        "meta-llama/Llama-3.2-3B-Instruct, 3.21, 0",
        "meta-llama/Llama-3.1-405B-Instruct, 405.9, 0",
        "deepseek-ai/deepseek-coder-33b-base, 33.3, 0",
        "01-ai/Yi-34B-Chat, 34.4, 0",
        "mistralai/Ministral-8B-Instruct-2410, 8.02, 0",
        "mistralai/Mistral-Nemo-Instruct-2407, 12.25, 0",
        "mistralai/Mistral-Small-24B-Instruct-2501, 23.6, 0",
        "mistralai/Mistral-Large-Instruct-2407, 122.6, 0",
        "mistralai/Mixtral-8x22B-Instruct-v0.1, 140.6, 39",
        "google/gemma-2b, 2.51, 0",
        "google/gemma-7b-it, 8.54, 0",
        "google/gemma-2-2b-it, 2.61, 0",
        "google/gemma-2-27b-it, 27.2, 0",
        "google/gemma-3-1b-it, 1.0, 0",
        "google/gemma-3-27b-it, 27.0, 0",
        "microsoft/Phi-3-mini-4k-instruct, 3.82, 0",
        "microsoft/Phi-3-medium-128k-instruct, 14.0, 0",
        "microsoft/Phi-4-mini-instruct, 3.84, 0",
        "deepseek-ai/DeepSeek-V2, 236, 21",
        "deepseek-ai/DeepSeek-V2-Lite, 15.7, 2.4",
        "zai-org/GLM-4.5, 355, 32",
        "zai-org/GLM-4.5-Air, 106, 12",
        "zai-org/GLM-4-9B-0414, 9.4, 0",
        "zai-org/GLM-4-32B-0414, 32.6, 0"
    })
    void parameters_as_published(String name, double billions, double active) {
        var card = KnownModels.find(name).card();
        assertBillions(card, billions);
        if (active > 0) {
            assertActiveBillions(card, active);
        }
    }

    private static void assertBillions(ModelCard card, double published) {
        assertThat(card.parameters() / 1e9).isCloseTo(published, Percentage.withPercentage(1.5));
    }

    private static void assertActiveBillions(ModelCard card, double published) {
        assertThat(card.activeParameters() / 1e9).isCloseTo(published, Percentage.withPercentage(10));
    }

    @Test
    void every_bundled_config_can_be_read() {
        assertThat(KnownModels.names())
                .allSatisfy(name ->
                        assertThat(KnownModels.find(name).card().weightBytes()).isPositive());
    }

    /** Copies that others tuned or quantised, by the names that they are published under. */
    @ParameterizedTest
    @CsvSource({
        "RedHatAI/Meta-Llama-3.1-70B-Instruct-FP8, 70.55, FP8",
        "neuralmagic/Meta-Llama-3.1-8B-Instruct-quantized.w8a8, 8.03, FP8",
        "casperhansen/llama-3-70b-instruct-awq, 70.55, INT4",
        "Qwen/Qwen2.5-72B-Instruct-GPTQ-Int4, 72.7, INT4",
        "Qwen/Qwen2.5-72B-Instruct-GPTQ-Int8, 72.7, FP8",
        "Qwen/Qwen3-235B-A22B-FP8, 235.1, FP8_BLOCK",
        "RedHatAI/Qwen3-32B-FP8-dynamic, 32.76, FP8",
        "nvidia/Llama-3.3-70B-Instruct-NVFP4, 70.55, NVFP4",
        "nvidia/DeepSeek-R1-0528-FP4, 671, NVFP4",
        "Qwen/Qwen3-4B-Instruct-2507, 4.02, HALF",
        "llama-3.1-8b-instruct, 8.03, HALF",
        "TheBloke/Mixtral-8x7B-Instruct-v0.1-AWQ, 46.7, INT4",
        "deepseek-ai/DeepSeek-R1-Distill-Qwen-32B, 32.76, HALF",
        "unsloth/gpt-oss-20b-BF16, 20.9, HALF"
    })
    void copies_of_bundled_models(String name, double billions, WeightFormat format) {
        var card = KnownModels.find(name).card();
        assertBillions(card, billions);
        assertThat(card.format()).isEqualTo(format);
    }

    /** Its files have 59.07 GiB (the hub's listing): a scale and a zero for every 32 weights. */
    @Test
    void four_bits_with_a_scale_for_every_32_weights() {
        var card = KnownModels.find("cpatonn/GLM-4.5-Air-AWQ-4bit").card();
        assertThat(card.format()).isEqualTo(WeightFormat.INT4_BY_32);
        assertThat(card.weightBytes() / (1L << 30)).isCloseTo(59.07, within(0.3));
    }

    @Test
    void more_experts_for_a_token_than_there_are() {
        var config = KnownModels.config("Qwen/Qwen3-30B-A3B").orElseThrow();
        assertThatThrownBy(() -> KnownModels.card("x", "x", config.replaceAll("(num_experts_per_tok\": *)8", "$1500")))
                .hasMessageContaining("num_experts_per_tok is 500; it must be at most the number of experts, 128");
    }

    @Test
    void what_is_not_understood_is_named_all_at_once() {
        assertThatThrownBy(() -> KnownModels.card(
                        "x/config.json", "x", "{\"architectures\":[\"MambaForCausalLM\"],\"hidden_size\":8}"))
                .hasMessageContaining("architectures is [MambaForCausalLM]")
                .hasMessageContaining("num_hidden_layers is missing");
        assertThatThrownBy(() -> KnownModels.find("Qwen/Qwen3-32b-FP9"))
                .hasMessageContaining("nearest known is Qwen/Qwen3-32B-FP8");
    }

    /** Fields of another kind are named once, with what is allowed; a text model inside another is looked into. */
    @Test
    void configs_that_are_none() {
        assertThatThrownBy(() -> KnownModels.card("x/config.json", "x", "[1, 2]"))
                .hasMessageContaining("holds a list");
        assertThatThrownBy(() -> KnownModels.card(
                        "x/config.json",
                        "x",
                        "{\"architectures\":[\"Qwen9ForConditionalGeneration\"],\"text_config\":{\"hidden_size\":\"2048\","
                                + "\"num_hidden_layers\":-3,\"num_attention_heads\":16,\"intermediate_size\":1,"
                                + "\"vocab_size\":9,\"max_position_embeddings\":9}}"))
                .isInstanceOfSatisfying(
                        ConfigException.class,
                        refused -> assertThat(refused.problems())
                                .satisfiesExactly(
                                        architecture ->
                                                assertThat(architecture).contains("[Qwen9ForConditionalGeneration]"),
                                        hidden -> assertThat(hidden)
                                                .contains("\"2048\"; it must be a whole number of at least 1"),
                                        layers -> assertThat(layers)
                                                .contains("-3; it must be a whole number of at least 1")));
    }

    /** As the checkpoints of models that see publish them: the text model inside, some fields left to the library. */
    @Test
    void models_that_see() {
        var gemma = KnownModels.card("gemma", "gemma-3-4b-it", """
                {"architectures":["Gemma3ForConditionalGeneration"],"text_config":{"hidden_size":2560,
                "intermediate_size":10240,"model_type":"gemma3_text","num_hidden_layers":34,"sliding_window":1024},
                "vision_config":{"hidden_size":1152,"intermediate_size":4304,"num_hidden_layers":27}}""");
        // 4.3 billion, as its card says; five layers of six slide.
        assertBillions(gemma, 4.3);
        assertThat(gemma.slidingLayers()).isEqualTo(29);
        assertThat(gemma.tied()).isTrue();
        var qwen = KnownModels.card("qwen", "Qwen2.5-VL-7B-Instruct", """
                {"architectures":["Qwen2_5_VLForConditionalGeneration"],"hidden_size":3584,"intermediate_size":18944,
                "num_attention_heads":28,"num_hidden_layers":28,"num_key_value_heads":4,"vocab_size":152064,
                "max_position_embeddings":128000,"tie_word_embeddings":false,"sliding_window":32768,
                "vision_config":{"depth":32,"hidden_act":"silu","hidden_size":1280,"intermediate_size":3420}}""");
        assertBillions(qwen, 8.29);
        assertThat(qwen.slidingLayers()).isZero();
        // The hub counts 2,127,532,032: besides the tower four pairs of matrices join its patches.
        var joined = KnownModels.card("qwen", "Qwen3-VL-2B-Instruct", """
                {"architectures":["Qwen3VLForConditionalGeneration"],"text_config":{"hidden_size":2048,"head_dim":128,
                "intermediate_size":6144,"num_attention_heads":16,"num_hidden_layers":28,"num_key_value_heads":8,
                "vocab_size":151936,"max_position_embeddings":262144,"tie_word_embeddings":true},
                "vision_config":{"depth":24,"hidden_size":1024,"intermediate_size":4096,"out_hidden_size":2048,
                "spatial_merge_size":2,"deepstack_visual_indexes":[5,11,17]}}""");
        assertThat(joined.parameters() / 1e9).isCloseTo(2.1275, Percentage.withPercentage(0.5));
        var scout = KnownModels.card("scout", "Llama-4-Scout-17B-16E", """
                {"architectures":["Llama4ForConditionalGeneration"],"text_config":{"hidden_size":5120,"head_dim":128,
                "intermediate_size":8192,"intermediate_size_mlp":16384,"interleave_moe_layer_step":1,
                "num_attention_heads":40,"num_hidden_layers":48,"num_key_value_heads":8,"num_local_experts":16,
                "num_experts_per_tok":1,"vocab_size":202048,"attention_chunk_size":8192,
                "max_position_embeddings":10485760,"tie_word_embeddings":false},"vision_config":{}}""");
        assertBillions(scout, 108);
        assertActiveBillions(scout, 17);
    }

    private static String with(String bundled, String quantization) {
        var config = KnownModels.config(bundled).orElseThrow();
        return config.substring(0, config.lastIndexOf('}')) + ", \"quantization_config\": " + quantization + "}";
    }

    private static ModelCard quantised(String bundled, String quantization) {
        return KnownModels.card(bundled, bundled, with(bundled, quantization));
    }

    private static void assertGigabytes(ModelCard card, double published) {
        assertThat(card.weightBytes() / 1e9).isCloseTo(published, Percentage.withPercentage(1));
    }

    /** Sizes of the files as the hub lists them, or the sum over tensors that the config stores so. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "Qwen/Qwen3-30B-A3B | 16.9 | {'quant_method':'gptq','bits':4,'group_size':128}",
                "Qwen/Qwen2.5-72B | 41.6 | {'quant_method':'awq','bits':4,'group_size':128}",
                "Qwen/Qwen2.5-72B | 77.2 | {'quant_method':'gptq','bits':8,'group_size':128}",
                "meta-llama/Llama-3.1-70B | 72.7 | {'quant_method':'modelopt','quant_algo':'FP8','ignore':['lm_head']}",
                "meta-llama/Llama-3.1-70B | 39.8 | {'quant_method':'compressed-tensors','config_groups':{'g':{'weights':"
                        + "{'num_bits':4,'type':'int','group_size':128,'symmetric':true}}}}"
            })
    void bytes_of_quantised_checkpoints(String bundled, double gigabytes, String quantization) {
        assertGigabytes(quantised(bundled, quantization.replace('\'', '"')), gigabytes);
    }

    /** Kimi-K2.5 and K2-Thinking: 595 GB; integers of four bits around zero have a scale for 32 of them and no zero. */
    @Test
    void four_bits_around_zero_store_no_zero() {
        assertGigabytes(KnownModels.find("moonshotai/Kimi-K2.6").card(), 595);
    }

    /**
     * What stays in 16 bits is what the config lists, of the text model: not the feed-forward parts where attention is named
     * (Meta's Llama-3.1-405B-Instruct-FP8, Llama 4), nor anything where the lists name what the model sees with (Gemma 3).
     */
    @Test
    void what_stays_in_16_bits_is_what_is_listed() {
        var meta = quantised("meta-llama/Llama-3.1-405B", """
                {"quant_method":"fbgemm_fp8","modules_to_not_convert":["model.layers.0.mlp.gate_proj","lm_head","self_attn",
                "model.layers.0.mlp.up_proj","model.layers.0.mlp.down_proj","model.layers.125.mlp"]}""");
        // 126 layers of attention, two of feed-forward parts and both embeddings in 16 bits, the rest in 8.
        double attention = 126.0 * 16384 * 128 * (2 * 128 + 2 * 8);
        double ffn = 3.0 * 16384 * 53248;
        assertGigabytes(meta, (2 * attention + (124 + 2 * 2) * ffn + 2 * 2 * 128256.0 * 16384) / 1e9);
        assertThat(meta.attentionFormat()).isEqualTo(WeightFormat.HALF);
        assertThat(meta.denseFormat()).isEqualTo(WeightFormat.FP8);

        var gemma = KnownModels.card("gemma", "gemma-3-27b-it-quantized.w4a16", """
                {"architectures":["Gemma3ForConditionalGeneration"],"text_config":{"hidden_size":5376,
                "intermediate_size":21504,"num_attention_heads":32,"num_hidden_layers":62,"num_key_value_heads":16,
                "head_dim":128},"vision_config":{"hidden_size":1152,"intermediate_size":4304,"num_hidden_layers":27},
                "quantization_config":{"quant_method":"compressed-tensors","config_groups":{"group_0":{"weights":
                {"num_bits":4,"type":"int","group_size":128}}},"ignore":["lm_head",
                "vision_tower.vision_model.encoder.layers.0.self_attn.k_proj"]}}""");
        assertThat(gemma.attentionFormat()).isEqualTo(WeightFormat.INT4);
        assertGigabytes(gemma, 16.8);

        var mla = quantised("moonshotai/Kimi-K2-Instruct", """
                {"quant_method":"modelopt","quant_algo":"NVFP4","ignore":["re:.*self_attn.kv_[ab]_proj.*",
                "language_model.model.layers.*.self_attn.q_[ab]_proj","lm_head"]}""".replace("q_[ab]_proj", "q_*"));
        assertThat(mla.attentionFormat())
                .as("its output matrix is the larger part")
                .isEqualTo(WeightFormat.NVFP4);
        assertThat(mla.attentionBytes() / mla.attentionParameters()).isBetween(0.6, 1.9);
    }

    /** NVIDIA's ModelOpt tells how weights are stored in a file of its own, beside the config. */
    @Test
    void quantisation_told_beside_the_config(@TempDir Path folder) throws Exception {
        Files.writeString(
                folder.resolve("config.json"),
                KnownModels.config("Qwen/Qwen3-235B-A22B").orElseThrow());
        Files.writeString(folder.resolve("hf_quant_config.json"), """
                {"producer":{"name":"modelopt"},"quantization":{"quant_algo":"NVFP4","kv_cache_quant_algo":"FP8",
                "group_size":16,"exclude_modules":["model.layers.0.mlp.gate","lm_head"]}}""");
        var card = KnownModels.find(folder.toString()).card();
        assertThat(card.format()).isEqualTo(WeightFormat.NVFP4);
        assertThat(card.eightBitCache()).isTrue();
        // 133.9 GB: both embeddings in 16 bits, a scale for 16 of the rest.
        assertGigabytes(card, 134);
    }

    @Test
    void quantisation_that_is_not_understood_is_refused_by_its_field() {
        for (var refused : List.of(
                "{\"bits\":4} quant_method is missing",
                "{\"quant_method\":\"gptq\",\"bits\":3} bits is 3; known are 4 and 8",
                "{\"quant_method\":\"modelopt\",\"quant_algo\":\"MIXED_PRECISION\"} quant_algo is MIXED_PRECISION",
                "\"fp8\" quantization_config is \"fp8\"; it must be an object",
                "{\"quant_method\":\"compressed-tensors\"} config_groups is missing",
                "{\"quant_method\":\"compressed-tensors\",\"config_groups\":{\"a\":{\"weights\":{\"num_bits\":4,"
                        + "\"type\":\"float\"}},\"b\":{\"weights\":{\"num_bits\":8,\"type\":\"float\"}}}}"
                        + " weights in fp8 and nvfp4")) {
            int end = refused.startsWith("{") ? refused.lastIndexOf('}') + 1 : 5;
            assertThatThrownBy(() -> quantised("Qwen/Qwen3-32B", refused.substring(0, end)))
                    .as(refused)
                    .hasMessageContaining(refused.substring(end + 1));
        }
    }

    /** As Python writes configs; weights of 32 bits, which vLLM loads in 16. */
    @Test
    void numbers_that_are_none_and_weights_of_32_bits() {
        var config = KnownModels.config("Qwen/Qwen3-4B").orElseThrow();
        var odd = config.substring(0, config.lastIndexOf('}'))
                + ", \"time_step_limit\": [0.0, Infinity], \"torch_dtype\": \"float32\"}";
        assertGigabytes(KnownModels.card("x", "x", odd), 8.04);
    }

    @Test
    void layers_of_another_kind_are_refused_by_their_field() {
        assertThatThrownBy(() -> KnownModels.card("x/config.json", "x", """
                        {"architectures":["Qwen3MoeForCausalLM"],"hidden_size":2048,"intermediate_size":512,
                        "num_attention_heads":16,"num_hidden_layers":4,"num_key_value_heads":3,"vocab_size":0,
                        "num_experts":512,"num_experts_per_tok":10,"max_position_embeddings":262144,
                        "layer_types":["linear_attention","full_attention"]}"""))
                .hasMessageContaining("layer_types has \"linear_attention\"")
                .hasMessageContaining("num_key_value_heads is 3")
                .hasMessageContaining("vocab_size is 0");
        assertThatThrownBy(() -> KnownModels.card("x/config.json", "x", "{}"))
                .hasMessageContaining("architectures is missing");
    }
}
