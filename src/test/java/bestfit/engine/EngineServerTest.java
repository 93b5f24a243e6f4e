package bestfit.engine;

import static bestfit.engine.EngineUnderTest.CHAT;
import static bestfit.engine.EngineUnderTest.TEXT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import bestfit.config.Json;
import bestfit.http.StreamClient;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;

/** vLLM's API as clients meet it: real sockets, real tokens. */
class EngineServerTest {
    @AutoClose
    private static EngineUnderTest engine;

    @BeforeAll
    static void start() {
        engine = EngineUnderTest.start("--max-model-len", "512");
    }

    private static String chat(String more) {
        return "{\"messages\":[{\"role\":\"user\",\"content\":\"Say a word\"}],\"temperature\":0,\"ignore_eos\":true"
                + more + "}";
    }

    @Test
    void chatStream_saysWhatTheWholeAnswerSays() {
        var whole = engine.json(CHAT, chat(",\"max_tokens\":12"));
        var events = engine.stream(
                CHAT, chat(",\"max_tokens\":12,\"stream\":true,\"stream_options\":{\"include_usage\":true}"));

        var delta = events.getFirst().at("/choices/0/delta");
        assertThat(delta.path("role").asString()).isEqualTo("assistant");
        assertThat(delta.path("content").asString()).isEmpty();
        var text = new StringBuilder();
        events.forEach(event -> text.append(event.at("/choices/0/delta/content").asString("")));
        assertThat(text.toString())
                .isEqualTo(whole.at("/choices/0/message/content").asString());
        assertThat(events.get(events.size() - 2).at("/choices/0/finish_reason").asString())
                .isEqualTo("length");
        assertThat(events.getLast().path("usage")).isEqualTo(usage(whole));
        assertThat(events.getLast().path("choices")).isEmpty();
        assertThat(whole.at("/usage/completion_tokens").asInt()).isEqualTo(12);
    }

    private static JsonNode usage(JsonNode whole) {
        var usage = Json.object();
        for (var name : List.of("prompt_tokens", "total_tokens", "completion_tokens")) {
            usage.set(name, whole.path("usage").path(name));
        }
        return usage;
    }

    @Test
    void completion_takesTextTextsAndTokenIds_alike() {
        var prompt = "def main(): return 1";
        var tokens = engine.json("/tokenize", "{\"prompt\":\"" + prompt + "\"}").path("tokens");
        var rest = ",\"max_tokens\":6,\"temperature\":0,\"ignore_eos\":true}";
        var byText = engine.json(TEXT, "{\"prompt\":\"" + prompt + "\"" + rest);
        var byTokens = engine.json(TEXT, "{\"prompt\":" + tokens + rest);
        var both = engine.json(TEXT, "{\"prompt\":[\"" + prompt + "\",\"other\"]" + rest);

        var text = byText.at("/choices/0/text").asString();
        assertThat(byTokens.at("/choices/0/text").asString()).isEqualTo(text);
        assertThat(both.at("/choices/0/text").asString()).isEqualTo(text);
        assertThat(both.at("/choices/1/index").asInt()).isEqualTo(1);
        assertThat(both.at("/usage/completion_tokens").asInt()).isEqualTo(12);
        assertThat(engine.json("/detokenize", "{\"tokens\":" + tokens + "}")
                        .path("prompt")
                        .asString())
                .isEqualTo(prompt);
    }

    @Test
    void stopText_cutsTheAnswer_andIsNeverStreamed() {
        var full = engine.json(TEXT, "{\"prompt\":\"a b c\",\"max_tokens\":40,\"temperature\":0,\"ignore_eos\":true}")
                .at("/choices/0/text")
                .asString();
        var stop = full.substring(full.length() / 2, full.length() / 2 + 4);
        var body = "{\"prompt\":\"a b c\",\"max_tokens\":40,\"temperature\":0,\"ignore_eos\":true,\"stop\":["
                + Json.write(stop) + "]";

        var choice = engine.json(TEXT, body + "}").at("/choices/0");
        assertThat(choice.path("text").asString()).isEqualTo(full.substring(0, full.indexOf(stop)));
        assertThat(choice.path("finish_reason").asString()).isEqualTo("stop");
        assertThat(choice.path("stop_reason").asString()).isEqualTo(stop);

        var streamed = new StringBuilder();
        engine.stream(TEXT, body + ",\"stream\":true}")
                .forEach(event -> streamed.append(event.at("/choices/0/text").asString()));
        assertThat(streamed.toString()).isEqualTo(choice.path("text").asString());
    }

    @Test
    void stopToken_endsWithItsId_andMinTokensHoldItBack() {
        var tokens = engine.json(
                        TEXT,
                        "{\"prompt\":\"x\",\"max_tokens\":8,\"temperature\":0,\"ignore_eos\":true,"
                                + "\"return_token_ids\":true}")
                .at("/choices/0/token_ids");
        int third = tokens.get(2).asInt();
        var body = "{\"prompt\":\"x\",\"max_tokens\":8,\"temperature\":0,\"ignore_eos\":true,\"stop_token_ids\":["
                + third + "]";

        var stopped = engine.json(TEXT, body + "}");
        assertThat(stopped.at("/choices/0/stop_reason").asInt()).isEqualTo(third);
        assertThat(stopped.at("/usage/completion_tokens").asInt()).isLessThanOrEqualTo(3);
        var later = engine.json(TEXT, body + ",\"min_tokens\":6}");
        assertThat(later.at("/usage/completion_tokens").asInt()).isGreaterThanOrEqualTo(6);
    }

    @Test
    void logprobs_listTheChosenTokenFirst_andSeveralChoicesDiffer() {
        var answer = engine.json(
                CHAT,
                "{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"max_tokens\":5,\"n\":2,\"seed\":7,"
                        + "\"logprobs\":true,\"top_logprobs\":3,\"ignore_eos\":true}");
        assertThat(answer.path("choices")).hasSize(2);
        assertThat(answer.at("/choices/0/message/content")).isNotEqualTo(answer.at("/choices/1/message/content"));
        for (var token : answer.at("/choices/0/logprobs/content")) {
            assertThat(token.path("top_logprobs")).hasSize(3);
            assertThat(token.at("/top_logprobs/0/token")).isEqualTo(token.path("token"));
            assertThat(token.path("logprob").asDouble()).isNegative();
        }
    }

    /** vLLM tells those of the ids that were named: an answer with others would be another answer. */
    @Test
    void logprobsOfNamedTokens_areRefused() {
        var answer =
                engine.post(TEXT, "{\"prompt\":\"hi\",\"max_tokens\":1,\"logprobs\":2,\"logprob_token_ids\":[5,6]}");
        assertThat(answer.status()).isEqualTo(400);
        assertThat(answer.text()).contains("does not support logprob_token_ids");
        assertThat(engine.post(TEXT, "{\"prompt\":\"hi\",\"max_tokens\":1,\"logprob_token_ids\":[]}")
                        .status())
                .isEqualTo(200);
    }

    @Test
    void echo_givesThePromptWithItsLogprobs() {
        var choice = engine.json(
                        TEXT,
                        "{\"prompt\":\"one two three\",\"max_tokens\":1,\"temperature\":0,\"echo\":true,\"logprobs\":1}")
                .at("/choices/0");
        assertThat(choice.path("text").asString()).startsWith("one two three");
        var logprobs = choice.at("/logprobs/token_logprobs");
        assertThat(logprobs.get(0).isNull()).isTrue();
        assertThat(logprobs.size())
                .isEqualTo(choice.at("/logprobs/tokens").size())
                .isGreaterThan(3);
        assertThat(logprobs.get(1).asDouble()).isNegative();

        // 40 repetitions fill blocks, which the second request finds in the prefix cache but must not take from there.
        var longPrompt =
                "{\"prompt\":\"" + "again ".repeat(40) + "\",\"max_tokens\":1,\"temperature\":0,\"prompt_logprobs\":0}";
        var first = engine.json(TEXT, longPrompt).at("/choices/0/prompt_logprobs");
        var second = engine.json(TEXT, longPrompt).at("/choices/0/prompt_logprobs");
        assertThat(first.size()).isGreaterThan(40);
        assertThat(second.size()).isEqualTo(first.size());
    }

    @Test
    void tokensInsideACharacter_haveNoText_andTheLastOfThemHasItAll() {
        var logprobs = engine.json(
                        TEXT,
                        "{\"prompt\":\"h\u00e9 \ud83d\ude00\",\"max_tokens\":1,\"temperature\":0,\"echo\":true,\"logprobs\":1,"
                                + "\"logit_bias\":{\"60\":100}}")
                .at("/choices/0/logprobs");
        var tokens =
                logprobs.path("tokens").valueStream().map(JsonNode::asString).toList();
        var offsets =
                logprobs.path("text_offset").valueStream().map(JsonNode::asInt).toList();
        assertThat(tokens).contains("", "\u00e9", "\ud83d\ude00");
        assertThat(String.join("", tokens)).startsWith("h\u00e9 \ud83d\ude00").doesNotContain("\ufffd");
        assertThat(offsets.getLast())
                .as("in characters, not in Java's halves of them")
                .isEqualTo(4);
    }

    @Test
    void anUnfinishedCharacterAtTheEnd_isDropped() {
        int half = engine.json("/tokenize", "{\"prompt\":\"h\u00e9\"}")
                .at("/tokens/1")
                .asInt();
        var choice = engine.json(
                        TEXT,
                        "{\"prompt\":\"x\",\"max_tokens\":1,\"temperature\":0,\"logit_bias\":{\"" + half + "\":100},"
                                + "\"return_token_ids\":true}")
                .at("/choices/0");
        assertThat(choice.at("/token_ids/0").asInt()).isEqualTo(half);
        assertThat(choice.path("text").asString()).isEmpty();
    }

    @Test
    void tokensNamedByTheirIds_tellTheBytesOfTheirText() {
        var choice = engine.json(CHAT, """
                {"messages":[{"role":"user","content":"x"}],"max_tokens":1,"temperature":0,"ignore_eos":true,
                 "logprobs":true,"top_logprobs":1,"return_tokens_as_token_ids":true}""").at("/choices/0");
        var token = choice.at("/logprobs/content/0");
        var bytes = choice.at("/message/content").asString().getBytes(StandardCharsets.UTF_8);
        assertThat(token.path("token").asString()).startsWith("token_id:");
        assertThat(token.path("bytes").size()).isEqualTo(bytes.length).isPositive();
        assertThat(token.at("/bytes/0").asInt()).isEqualTo(bytes[0] & 0xff);
    }

    @Test
    void developersSpeakAsTheSystem_andSpecialTokensAreEchoed() {
        var developer = "{\"messages\":[{\"role\":\"developer\",\"content\":\"x\"}]}";
        assertThat(engine.json("/tokenize", developer).path("tokens"))
                .isEqualTo(engine.json("/tokenize", developer.replace("developer", "system"))
                        .path("tokens"));
        assertThat(engine.json(TEXT, "{\"prompt\":\"<|im_end|>a\",\"max_tokens\":1,\"echo\":true}")
                        .at("/choices/0/text")
                        .asString())
                .startsWith("<|im_end|>a");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            {"prompt":"x","prompt_embeds":"x"}   | 400 | BadRequestError | You must set `--enable-prompt-embeds` to input `prompt_embeds`. (parameter=prompt_embeds)
            {"model":"nope","prompt":"x"}        | 404 | NotFoundError   | The model `nope` does not exist.
            {"prompt":"x","max_tokens":0}        | 400 | BadRequestError | max_tokens must be at least 1, got 0.
            {"prompt":"x","max_tokens":513}      | 400 | BadRequestError | max_tokens=513 cannot be greater than max_model_len=512.
            {"prompt":"x","temperature":-1}      | 400 | BadRequestError | temperature must be non-negative, got -1.0.
            {"prompt":"x","top_p":0}             | 400 | BadRequestError | top_p must be in (0, 1], got 0.0.
            {"prompt":"x","logprobs":21}         | 400 | BadRequestError | Requested sample logprobs of 21, which is greater than max allowed: 20
            {"prompt":[4000000]}                 | 400 | BadRequestError | Token id 4000000 is out of vocabulary
            {"prompt":"x","max_tokens":"many"}   | 400 | Bad Request     | Input should be a valid integer
            {"prompt":"x","stream_options":{"include_usage":true}}   | 400 | BadRequestError | Stream options can only be defined when `stream=True`.
            {"prompt":                           | 400 | Bad Request     | JSON decode error
            """)
    void badRequest_isAnsweredAsVllmDoes(String body, int status, String type, String message) {
        var answer = engine.post(TEXT, body);
        assertThat(answer.status()).isEqualTo(status);
        var error = Json.parse(answer.text()).path("error");
        assertThat(error.path("message").asString()).contains(message);
        assertThat(error.path("type").asString()).isEqualTo(type);
        assertThat(error.path("code").asInt()).isEqualTo(status);
    }

    @Test
    void hugeAndBrokenBodies_areRefusedAtOnce_andTheNextIsServed() {
        var huge = engine.post("/v1/completions", "{\"prompt\":\"" + "a".repeat(20_000_000) + "\"}");
        assertThat(huge.status()).isEqualTo(400);
        assertThat(huge.text()).contains("maximum context length is 512 tokens");
        var beyondDoubles = engine.post(TEXT, "{\"prompt\":\"x\",\"temperature\":1" + "0".repeat(400) + "}");
        assertThat(beyondDoubles.status()).isEqualTo(400);
        assertThat(beyondDoubles.text()).contains("Input should be a valid number");
        assertThat(engine.post("/v1/completions", "{\"prompt\":\"x\",\"n\":1000000}")
                        .text())
                .contains("n must be at most 16384, got 1000000.");
        var broken = "{\"prompt\":\"\u00e4\"}".getBytes(StandardCharsets.ISO_8859_1);
        var refused = engine.post("/v1/completions", broken);
        assertThat(refused.status()).isEqualTo(400);
        assertThat(refused.text()).contains("There was an error parsing the body");
        assertThat(engine.post("/v1/completions", "{\"prompt\":\"x\",\"max_tokens\":1}")
                        .status())
                .isEqualTo(200);
    }

    @Test
    void promptTooLong_isRefused() {
        var answer = engine.post(TEXT, "{\"prompt\":\"" + "word ".repeat(600) + "\"}");
        assertThat(answer.status()).isEqualTo(400);
        assertThat(answer.text()).contains("This model's maximum context length is 512 tokens. However, your prompt");
    }

    @Test
    void clientThatLeaves_freesItsBlocks() throws InterruptedException {
        double ended = engine.metric("vllm:request_success_total");
        try (var client = StreamClient.open(1, 5_000_000_000L)) {
            var firstPiece = new CountDownLatch(1);
            var call = client.post(
                    URI.create(engine.server.url() + TEXT),
                    Map.of("Content-Type", "application/json"),
                    "{\"prompt\":\"x\",\"max_tokens\":500,\"ignore_eos\":true,\"stream\":true}"
                            .getBytes(StandardCharsets.UTF_8),
                    new FirstPiece(firstPiece));
            firstPiece.await();
            call.cancel();
            await().atMost(Duration.ofSeconds(10)).untilAsserted(() -> {
                assertThat(engine.metric("vllm:num_requests_running")).isZero();
                assertThat(engine.metric("vllm:kv_cache_usage_perc")).isZero();
            });
            assertThat(engine.metric("vllm:request_success_total"))
                    .as("vLLM counts no request that its client gave up")
                    .isEqualTo(ended);
        }
    }

    private record FirstPiece(CountDownLatch latch) implements StreamClient.Listener {
        @Override
        public void onSent(long nanos) {}

        @Override
        public void onHead(int status, long nanos) {}

        @Override
        public void onBody(byte[] in, int from, int to, long nanos) {
            latch.countDown();
        }

        @Override
        public void onEnd(long nanos) {}

        @Override
        public void onFailure(Throwable cause, long nanos) {}
    }

    @Test
    void manyAtOnce_allGetWhatTheyAskedFor_andTheMetricsCountIt() throws InterruptedException, ExecutionException {
        double generated = engine.metric("vllm:generation_tokens_total");
        double steps = engine.metric("vllm:iteration_tokens_total_count");
        var answers = new ArrayList<Future<JsonNode>>();
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < 32; i++) {
                var body = "{\"prompt\":\"number " + i + "\",\"max_tokens\":20,\"ignore_eos\":true}";
                answers.add(threads.submit(() -> engine.json(TEXT, body)));
            }
        }
        for (var answer : answers) {
            assertThat(answer.get().at("/usage/completion_tokens").asInt()).isEqualTo(20);
        }
        assertThat(engine.metric("vllm:generation_tokens_total") - generated).isEqualTo(640);
        // One after another they would need 640 steps; batched together about 20 and the prefills.
        assertThat(engine.metric("vllm:iteration_tokens_total_count") - steps).isBetween(20.0, 320.0);
    }

    @Test
    void otherEndpoints_answer() {
        assertThat(engine.get("/health").status()).isEqualTo(200);
        assertThat(engine.get("/ping").status()).isEqualTo(200);
        assertThat(engine.get("/version").text()).contains("embedded");
        assertThat(engine.get("/load").text()).isEqualTo("{\"server_load\":0}");
        var model = Json.parse(engine.get("/v1/models").text()).at("/data/0");
        assertThat(model.path("id").asString()).isEqualTo("tiny");
        assertThat(model.path("max_model_len").asInt()).isEqualTo(512);
        assertThat(engine.post("/reset_prefix_cache", "").status()).isEqualTo(200);
    }
}
