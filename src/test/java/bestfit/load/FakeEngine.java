package bestfit.load;

import bestfit.config.Json;
import bestfit.http.Exchange;
import bestfit.http.HttpServer;
import bestfit.http.Router;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import tools.jackson.databind.JsonNode;

/** An engine that streams as vLLM does, or goes wrong in the way that the prompt names. */
public final class FakeEngine implements AutoCloseable {
    static final String ROLE =
            "{\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},"
                    + "\"logprobs\":null,\"finish_reason\":null}]}";
    static final String USAGE =
            "{\"id\":\"c\",\"choices\":[],\"usage\":{\"prompt_tokens\":7,\"total_tokens\":10,\"completion_tokens\":3}}";

    private final List<JsonNode> requests = new CopyOnWriteArrayList<>();
    private final AtomicInteger underWay = new AtomicInteger();
    private final AtomicInteger mostUnderWay = new AtomicInteger();
    private final CountDownLatch release = new CountDownLatch(1);
    private final HttpServer server;

    public FakeEngine() throws IOException {
        server = HttpServer.start(
                "127.0.0.1", 0, HttpServer.Limits.DEFAULTS, new Router().post("/v1/chat/completions", this::answer));
    }

    public String url() {
        return server.url();
    }

    LoadTarget target() {
        return new LoadTarget(server.url() + "/", "fake");
    }

    List<JsonNode> requests() {
        return requests;
    }

    int mostUnderWay() {
        return mostUnderWay.get();
    }

    /** Lets go what "slow" held. */
    void release() {
        release.countDown();
    }

    @Override
    public void close() {
        release.countDown();
        server.close();
    }

    static String text(String text, String finishReason) {
        return "{\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"content\":" + Json.write(text)
                + "},\"finish_reason\":" + finishReason + "}]}";
    }

    private void answer(Exchange exchange) throws InterruptedException {
        var request = Json.parse(new String(exchange.body(), StandardCharsets.UTF_8));
        requests.add(request);
        mostUnderWay.accumulateAndGet(underWay.incrementAndGet(), Math::max);
        var prompt = request.at("/messages/0/content").asString();
        if (prompt.equals("status")) {
            underWay.decrementAndGet();
            exchange.json(503, Json.parse("{\"error\":{\"message\":\"no room\",\"code\":503}}"));
            return;
        }
        var stream = exchange.stream(200, Map.of("Content-Type", "text/event-stream"));
        switch (prompt) {
            case "reset" -> {
                send(stream, ROLE, text("a", "null"));
                underWay.decrementAndGet();
                stream.abort();
                return;
            }
            case "error" -> send(stream, ROLE, "{\"error\": {\"message\": \"engine died\", \"code\": 500}}", "[DONE]");
            case "abort" -> send(stream, ROLE, text("a", "\"abort\""), USAGE, "[DONE]");
            case "truncated" -> send(stream, ROLE, text("a", "null"));
            case "empty" -> send(stream, USAGE, "[DONE]");
            case "no usage" -> send(stream, ROLE, text("a", "\"stop\""), "[DONE]");
            case "slow" -> {
                send(stream, ROLE);
                release.await();
                send(stream, text("late", "\"stop\""), USAGE, "[DONE]");
            }
            case "sly" ->
                send(
                        stream,
                        ROLE,
                        text("\"error\":{\"content\":\"x\"} \\\" [DONE]\n\ndata: \"usage\"", "null"),
                        text("", "\"stop\""),
                        USAGE,
                        "[DONE]");
            case "torn" -> {
                for (byte one : ("data: " + ROLE + "\r\n\r\ndata:" + text("é€", "null") + "\r\n\r\n: ping\r\n\r\ndata: "
                                + USAGE + "\r\n\r\ndata: [DONE]\r\n\r\n")
                        .getBytes(StandardCharsets.UTF_8)) {
                    stream.write(new byte[] {one});
                }
            }
            default ->
                send(stream, ROLE, text("a", "null"), text("b", "null"), text("c", "\"length\""), USAGE, "[DONE]");
        }
        underWay.decrementAndGet();
        stream.end();
    }

    private static void send(Exchange.BodyStream stream, String... events) {
        for (var event : events) {
            stream.write(("data: " + event + "\n\n").getBytes(StandardCharsets.UTF_8));
        }
    }
}
