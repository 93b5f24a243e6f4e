package bestfit.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import bestfit.config.ConfigException;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.Test;
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
        var scout = KnownModels.card("scout", "Llama-4-Scout-17B-16E", """
                {"architectures":["Llama4ForConditionalGeneration"],"text_config":{"hidden_size":5120,"head_dim":128,
                "intermediate_size":8192,"intermediate_size_mlp":16384,"interleave_moe_layer_step":1,
                "num_attention_heads":40,"num_hidden_layers":48,"num_key_value_heads":8,"num_local_experts":16,
                "num_experts_per_tok":1,"vocab_size":202048,"attention_chunk_size":8192,
                "max_position_embeddings":10485760,"tie_word_embeddings":false},"vision_config":{}}""");
        assertBillions(scout, 108);
        assertActiveBillions(scout, 17);
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
