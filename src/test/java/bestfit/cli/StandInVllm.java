package bestfit.cli;

import bestfit.config.Json;
import bestfit.http.Exchange;
import bestfit.http.HttpServer;
import bestfit.http.Router;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;

/** A program that says it is vLLM 0.23.0 and answers with words at a steady pace, for tests of what is made of vLLM's figures. */
public final class StandInVllm {
    private static final int FIRST_TOKEN_MILLIS = 4;
    private static final int OTHER_TOKENS_MILLIS = 8;

    private StandInVllm() {}

    public static void main(String[] args) throws IOException, InterruptedException {
        var router = new Router()
                .get("/health", exchange -> exchange.text(200, ""))
                .get("/version", exchange -> exchange.json(200, Json.object().put("version", "0.23.0")))
                .get("/v1/models", exchange -> exchange.json(200, Json.object()))
                .post("/v1/chat/completions", StandInVllm::answer);
        int port = Integer.parseInt(args[List.of(args).indexOf("--port") + 1]);
        HttpServer.start("127.0.0.1", port, HttpServer.Limits.DEFAULTS, router);
        System.err.println("INFO:     Application startup complete.");
        Thread.currentThread().join();
    }

    private static void answer(Exchange exchange) throws InterruptedException {
        var request = Json.parse(new String(exchange.body(), StandardCharsets.UTF_8));
        int tokens = request.path("max_tokens").asInt(1);
        var usage = "\"usage\":{\"prompt_tokens\":200,\"completion_tokens\":%d,\"total_tokens\":%d}"
                .formatted(tokens, 200 + tokens);
        if (!request.path("stream").asBoolean(false)) {
            exchange.json(200, Json.parse("{\"choices\":[{\"message\":{\"content\":\"yes\"}}]," + usage + "}"));
            return;
        }
        var stream = exchange.stream(200, Map.of("Content-Type", "text/event-stream"));
        Thread.sleep(FIRST_TOKEN_MILLIS);
        event(stream, "{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"},\"finish_reason\":null}]}");
        Thread.sleep(OTHER_TOKENS_MILLIS);
        for (int i = 1; i < tokens; i++) {
            event(stream, "{\"choices\":[{\"index\":0,\"delta\":{\"content\":\" b\"},\"finish_reason\":null}]}");
        }
        event(stream, "{\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"length\"}]}");
        event(stream, "{\"choices\":[]," + usage + "}");
        event(stream, "[DONE]");
        stream.end();
    }

    private static void event(Exchange.BodyStream stream, String data) {
        stream.write(("data: " + data + "\n\n").getBytes(StandardCharsets.UTF_8));
    }
}
