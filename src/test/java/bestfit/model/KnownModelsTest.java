package bestfit.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

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
        "Qwen/QwQ-32B, 32.76, 0"
    })
    void parameters_as_published(String name, double billions, double active) {
        var card = KnownModels.find(name).card();
        assertThat(card.parameters() / 1e9).isCloseTo(billions, Percentage.withPercentage(1.5));
        if (active > 0) {
            assertThat(card.activeParameters() / 1e9).isCloseTo(active, Percentage.withPercentage(10));
        }
    }

    @Test
    void every_bundled_config_can_be_read() {
        assertThat(KnownModels.names())
                .allSatisfy(name ->
                        assertThat(KnownModels.find(name).card().weightBytes()).isPositive());
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
}
