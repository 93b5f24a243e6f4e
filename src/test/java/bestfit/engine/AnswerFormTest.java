package bestfit.engine;

import static bestfit.engine.EngineUnderTest.CHAT;
import static bestfit.engine.EngineUnderTest.TEXT;
import static org.assertj.core.api.Assertions.assertThat;

import bestfit.config.Json;
import java.util.List;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;

/** Answers that must have a form: {@code response_format}, {@code structured_outputs}, {@code guided_*}. */
class AnswerFormTest {
    @AutoClose
    private static EngineUnderTest engine;

    @BeforeAll
    static void start() {
        engine = EngineUnderTest.start("--max-model-len", "512", "--num-gpu-blocks-override", "256");
    }

    private static String text(JsonNode answer) {
        assertThat(answer.at("/choices/0/finish_reason").asString()).isEqualTo("stop");
        return answer.at("/choices/0/text").asString();
    }

    @ParameterizedTest
    @CsvSource(delimiter = ';', textBlock = """
            {"choice":["yes","no","née"]}                           ; yes|no|née
            {"regex":"[0-9]{3}-[a-c]{2}"}                           ; [0-9]{3}-[a-c]{2}
            {"json":{"type":"integer","minimum":10,"maximum":99}}   ; [1-9][0-9]
            {"json":"{\\"enum\\":[\\"a\\",{\\"b\\":[1,2]}]}"}       ; "a"|\\{"b":\\[1,2]}
            """, quoteCharacter = '\0')
    void answers_haveTheFormAskedFor(String form, String regex) {
        for (int seed = 0; seed < 12; seed++) {
            var body = "{\"prompt\":\"a\",\"max_tokens\":40,\"temperature\":" + (seed == 0 ? 0 : 1) + ",\"seed\":"
                    + seed + ",\"structured_outputs\":" + form + "}";
            assertThat(text(engine.json(TEXT, body))).matches(regex);
        }
    }

    @Test
    void jsonObject_isAnObject_streamedOrNot() {
        var body = "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"max_tokens\":60,\"temperature\":0,"
                + "\"response_format\":{\"type\":\"json_object\"}";
        var whole = engine.json(CHAT, body + "}").at("/choices/0");
        var content = whole.at("/message/content").asString();
        assertThat(content).startsWith("{");
        if (whole.path("finish_reason").asString().equals("stop")) {
            assertThat(Json.parse(content).isObject()).isTrue();
        }
        var streamed = new StringBuilder();
        engine.stream(CHAT, body + ",\"stream\":true}")
                .forEach(event ->
                        streamed.append(event.at("/choices/0/delta/content").asString("")));
        assertThat(streamed.toString()).isEqualTo(content);
    }

    @Test
    void logprobs_areThoseOfWhatCanCome() {
        var body =
                "{\"prompt\":\"a\",\"max_tokens\":8,\"temperature\":0,\"logprobs\":20,\"structured_outputs\":{\"choice\":[\"a\",\"b\"]}}";
        var logprobs = engine.json(TEXT, body).at("/choices/0/logprobs");
        var first = logprobs.at("/top_logprobs/0");
        double sum = Math.exp(first.path("a").asDouble(-9999))
                + Math.exp(first.path("b").asDouble(-9999));
        assertThat(sum).isBetween(0.999, 1.001);
        assertThat(first.valueStream().filter(value -> value.asDouble() == -9999))
                .hasSize(18);
    }

    @Test
    void formsThatNoTextHas_orThatAreEndless_areRefused() {
        var endless = new StringBuilder("{\"$defs\":{");
        for (int i = 0; i < 20_000; i++) {
            endless.append("\"a")
                    .append(i)
                    .append("\":{\"$ref\":\"#/$defs/a")
                    .append(i + 1)
                    .append("\"},");
        }
        endless.append("\"a20000\":{}},\"$ref\":\"#/$defs/a0\"}");
        for (var schema : List.of("{\"$ref\":\"#\"}", endless.toString())) {
            var answer = engine.post(TEXT, "{\"prompt\":\"a\",\"structured_outputs\":{\"json\":" + schema + "}}");
            assertThat(answer.status()).isEqualTo(400);
            assertThat(answer.text()).contains("Grammar error: ");
        }
        assertThat(engine.get("/health").status()).isEqualTo(200);
    }

    @Test
    void choices_areFollowedEachByItself() {
        var body =
                "{\"prompt\":\"a\",\"n\":8,\"max_tokens\":40,\"temperature\":2,\"seed\":1,\"structured_outputs\":{\"choice\":[\"yes\",\"no\",\"maybe\"]}}";
        var texts = engine.json(TEXT, body)
                .path("choices")
                .valueStream()
                .map(choice -> choice.path("text").asString())
                .toList();
        assertThat(texts).hasSize(8).isSubsetOf("yes", "no", "maybe").contains("yes", "no");
    }

    @Test
    void behindTheEndOfTheForm_withIgnoreEos_anythingComes() {
        var body =
                "{\"prompt\":\"a\",\"max_tokens\":20,\"temperature\":0,\"ignore_eos\":true,\"structured_outputs\":{\"choice\":[\"yes\"]}}";
        var choice = engine.json(TEXT, body).at("/choices/0");
        assertThat(choice.path("finish_reason").asString()).isEqualTo("length");
        assertThat(choice.path("text").asString()).startsWith("yes").hasSizeGreaterThan(8);
    }

    @Test
    void enforcedTokens_areGiven_whateverTheFormSays() {
        var body =
                "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"max_tokens\":3,\"enforced_str\":\"def main\",\"structured_outputs\":{\"choice\":[\"yes\"]}}";
        assertThat(engine.json(CHAT, body).at("/choices/0/message/content").asString())
                .startsWith("def");
    }

    @Test
    void guidedFields_countWhereTheReleaseKnowsThem() {
        var body = "{\"prompt\":\"a\",\"max_tokens\":5,\"temperature\":0,\"guided_choice\":[\"yes\"]}";
        try (var older = EngineUnderTest.start(
                "--engine-version", "0.11.0", "--max-model-len", "512", "--num-gpu-blocks-override", "256")) {
            assertThat(text(older.json(TEXT, body))).isEqualTo("yes");
        }
        assertThat(engine.json(TEXT, body).at("/choices/0/text").asString()).isNotEqualTo("yes");
    }

    @Test
    void simulatedDevices_keepTheFormToo() {
        try (var simulated =
                EngineUnderTest.start("--simulate", "1x4070tis", "--time-scale", "100", "--max-model-len", "512")) {
            var body = "{\"prompt\":\"a\",\"max_tokens\":20,\"structured_outputs\":{\"regex\":\"[0-9]{4}\"}}";
            assertThat(text(simulated.json(TEXT, body))).matches("[0-9]{4}");
        }
    }
}
