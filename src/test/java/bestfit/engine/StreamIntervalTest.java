package bestfit.engine;

import static bestfit.engine.EngineUnderTest.TEXT;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;

/** vLLM sends a stream's first token at once, then gathers so many for each event; what is left goes with the end. */
class StreamIntervalTest {
    @AutoClose
    private static EngineUnderTest engine;

    @BeforeAll
    static void start() {
        engine = EngineUnderTest.start("--max-model-len", "512", "--stream-interval", "4");
    }

    @ParameterizedTest
    @CsvSource(textBlock = """
            1, 4
            4, 4
            7, 7
            """)
    void theGreaterOfFlagAndWish_counts(int wish, int interval) {
        var body = "{\"prompt\":\"a b c\",\"max_tokens\":30,\"seed\":5,\"ignore_eos\":true,\"n\":2"
                + ",\"return_token_ids\":true,\"stream_interval\":" + wish;
        var whole = engine.json(TEXT, body + "}");
        var events = engine.stream(TEXT, body + ",\"stream\":true}");
        for (int choice = 0; choice < 2; choice++) {
            int index = choice;
            var own = events.stream()
                    .map(event -> event.at("/choices/0"))
                    .filter(each -> each.path("index").asInt() == index)
                    .toList();
            var text = new StringBuilder();
            var tokens = new ArrayList<Integer>();
            own.forEach(each -> {
                text.append(each.path("text").asString());
                each.path("token_ids").forEach(id -> tokens.add(id.asInt()));
            });
            assertThat(own.subList(1, own.size() - 1))
                    .allSatisfy(
                            each -> assertThat(each.path("token_ids").size()).isGreaterThanOrEqualTo(interval));
            assertThat(own.size()).isLessThanOrEqualTo(1 + Math.ceilDiv(29, interval));
            assertThat(own.getLast().path("finish_reason").asString()).isEqualTo("length");
            var same = whole.path("choices").path(choice);
            assertThat(text.toString()).isEqualTo(same.path("text").asString());
            assertThat(tokens).isEqualTo(ids(same.path("token_ids")));
        }
    }

    private static List<Integer> ids(JsonNode nodes) {
        var ids = new ArrayList<Integer>();
        nodes.forEach(node -> ids.add(node.asInt()));
        return ids;
    }
}
