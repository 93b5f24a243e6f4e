package bestfit.engine;

import bestfit.config.Json;
import bestfit.engine.EngineLog.Writer;
import bestfit.http.Exchange;
import bestfit.http.Handler;
import bestfit.http.Router;
import bestfit.openai.ApiError;
import bestfit.openai.ApiException;
import bestfit.openai.BodyReader;
import bestfit.openai.GenerationRequest;
import bestfit.openai.PythonText;
import bestfit.openai.RequestReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/** vLLM's HTTP API over a core. Thread-safe. */
final class EngineApi {
    /** What {@code /version} says behind the release: whose behaviour the engine follows, and that it is not vLLM itself. */
    private static final String ADDED = "+bestfit.";

    /** The version this engine says it is. */
    static String version(EngineArgs args) {
        return args.release() + ADDED + (args.simulation().isPresent() ? "simulated" : "embedded");
    }

    private final EngineServer.Parts parts;
    private final EngineCore core;
    private final List<String> routes = new ArrayList<>();
    private final Router router = new Router();
    private final AtomicLong ids = new AtomicLong(System.nanoTime());
    private final long startedUnixSeconds = System.currentTimeMillis() / 1000;

    EngineApi(EngineServer.Parts parts, EngineCore core) {
        this.parts = parts;
        this.core = core;
        router.around(handler -> exchange -> answer(exchange, handler));
        on("GET", "/health", this::health);
        on("GET", "/load", this::load);
        on("GET", "/ping", this::health);
        on("POST", "/ping", this::health);
        on("GET", "/version", this::version);
        on("GET", "/v1/models", this::models);
        on("POST", "/v1/chat/completions", exchange -> generate(exchange, true));
        on("POST", "/v1/completions", exchange -> generate(exchange, false));
        on("POST", "/tokenize", this::tokenize);
        on("POST", "/detokenize", this::detokenize);
        on("POST", "/reset_prefix_cache", this::resetPrefixCache);
        on(
                "GET",
                "/metrics",
                exchange -> exchange.respond(
                        200,
                        "text/plain; version=1.0.0; charset=utf-8",
                        parts.metrics().text().getBytes(StandardCharsets.UTF_8)));
    }

    Router router() {
        return router;
    }

    /** Method and path of each endpoint. */
    List<String> routes() {
        return List.copyOf(routes);
    }

    private void on(String method, String path, Handler handler) {
        routes.add(method + " " + path);
        router.on(method, path, handler);
    }

    private void answer(Exchange exchange, Handler handler) throws Exception {
        var logged = new LoggedExchange(
                exchange, requestId(exchange), (status, bytes) -> accessLine(exchange, status, bytes));
        try {
            if (exchange.path().startsWith("/v1") && !authorised(exchange)) {
                logged.json(401, Json.object().put("error", "Unauthorized"));
                return;
            }
            handler.handle(logged);
        } catch (ApiException refused) {
            refused(logged, refused.error());
        }
    }

    /** With {@code --enable-request-id-headers} each answer repeats the request's id, or has one of its own. */
    private Map<String, String> requestId(Exchange exchange) {
        return parts.config().args().given().containsKey("enable_request_id_headers")
                ? Map.of(
                        "x-request-id",
                        exchange.header("X-Request-Id")
                                .orElseGet(() -> UUID.randomUUID().toString().replace("-", "")))
                : Map.of();
    }

    /** vLLM logs an unknown model as an error of its own: not every ERROR line is a fault of the server. */
    private void refused(Exchange exchange, ApiError error) {
        if (error.status() == 404) {
            parts.log()
                    .error(
                            Writer.API,
                            "serving.py:274",
                            "Error with model error=ErrorInfo(message=" + PythonText.quoted(error.message())
                                    + ", type='" + error.type() + "', param='model', code=404)");
        }
        exchange.json(error.status(), error.json());
    }

    private boolean authorised(Exchange exchange) {
        var keys = parts.config().args().apiKeys();
        if (keys.isEmpty() || exchange.method().equals("OPTIONS")) {
            return true;
        }
        var given = exchange.header("Authorization").orElse("").split(" ", 2);
        return given.length == 2 && given[0].equalsIgnoreCase("Bearer") && keys.contains(given[1]);
    }

    private void accessLine(Exchange exchange, int status, int bytes) {
        double seconds = (System.nanoTime() - exchange.receivedNanos()) / 1e9;
        var method = exchange.method();
        var path = routes.contains(method + " " + exchange.path()) ? exchange.path() : HttpMetrics.NO_ROUTE;
        parts.metrics().http.answered(method, path, status, exchange.body().length, bytes, seconds);
        var args = parts.config().args();
        if (args.accessLog() && !args.quietEndpoints().contains(exchange.path())) {
            parts.log()
                    .uvicorn(exchange.remoteAddress() + " - \"" + exchange.method() + " " + exchange.target()
                            + " HTTP/1.1\" " + status + " " + reason(status));
        }
    }

    private static String reason(int status) {
        return switch (status) {
            case 200 -> "OK";
            case 307 -> "Temporary Redirect";
            case 400 -> "Bad Request";
            case 401 -> "Unauthorized";
            case 404 -> "Not Found";
            case 405 -> "Method Not Allowed";
            case 500 -> "Internal Server Error";
            case 503 -> "Service Unavailable";
            default -> "";
        };
    }

    private void health(Exchange exchange) {
        exchange.respond(core.isAlive() ? 200 : 503, Map.of(), new byte[0]);
    }

    private void version(Exchange exchange) {
        var args = parts.config().args();
        var answer = Json.object().put("version", version(args));
        args.simulation()
                .ifPresent(simulation ->
                        answer.put("simulated", simulation.spec()).put("time_scale", simulation.timeScale()));
        exchange.json(200, answer);
    }

    /** vLLM counts only if it is told to. */
    private void load(Exchange exchange) {
        boolean tracked = parts.config().args().given().containsKey("enable_server_load_tracking");
        int load = tracked ? parts.metrics().openRequests.count() : 0;
        exchange.json(200, Json.object().put("server_load", load));
    }

    private void models(Exchange exchange) {
        var answer = Json.object().put("object", "list");
        var list = answer.putArray("data");
        for (var name : parts.config().args().servedNames()) {
            var model = list.addObject().put("id", name).put("object", "model").put("created", startedUnixSeconds);
            model.put("owned_by", "vllm")
                    .put("root", parts.config().args().model())
                    .putNull("parent");
            model.put("max_model_len", parts.config().maxModelLen());
            model.putArray("permission")
                    .addObject()
                    .put("id", "modelperm-" + hex(name.hashCode()))
                    .put("object", "model_permission")
                    .put("created", startedUnixSeconds)
                    .put("allow_create_engine", false)
                    .put("allow_sampling", true)
                    .put("allow_logprobs", true)
                    .put("allow_search_indices", false)
                    .put("allow_view", true)
                    .put("allow_fine_tuning", false)
                    .put("organization", "*")
                    .putNull("group")
                    .put("is_blocking", false);
        }
        exchange.json(200, answer);
    }

    private void generate(Exchange exchange, boolean chat) throws InterruptedException {
        Generation generation;
        var open = parts.metrics().openRequests;
        core.beginReading();
        try {
            generation = generation(exchange, chat);
            open.enter();
            generation.begin(exchange, open::leave);
        } finally {
            core.endReading();
        }
        generation.serve(exchange, open::leave);
    }

    private Generation generation(Exchange exchange, boolean chat) {
        GenerationRequest request = chat
                ? RequestReader.chat(
                        json(exchange), this::checkModel, parts.orders().defaults())
                : RequestReader.completion(
                        json(exchange), this::checkModel, parts.orders().defaults());
        if (!core.isAlive()) {
            throw new ApiException(ApiError.internal(EngineServer.DEAD));
        }
        refuseOtherRanks(exchange);
        // Nothing keeps a client from using an id twice.
        var unique = hex(ids.incrementAndGet());
        var id = exchange.header("X-Request-Id").orElse(request.id() == null ? unique : request.id());
        return new Generation(parts, core, request, (chat ? "chatcmpl-" : "cmpl-") + id, unique);
    }

    private static void refuseOtherRanks(Exchange exchange) {
        var rank = exchange.header("X-data-parallel-rank").filter(value -> value.matches("-?\\d{1,9}"));
        if (rank.isPresent() && Integer.parseInt(rank.get()) != 0) {
            throw new ApiException(ApiError.badRequest(
                    "data_parallel_rank " + Integer.parseInt(rank.get()) + " is out of range [0, 1).", null));
        }
    }

    /** The body, if it says that it is JSON. */
    private static byte[] json(Exchange exchange) {
        var type = exchange.header("Content-Type").orElse("");
        var media = type.split(";", 2)[0].strip().toLowerCase(Locale.ROOT);
        if (!media.equals("application/json")) {
            throw new ApiException(ApiError.noJsonType());
        }
        return exchange.body();
    }

    /** Scatters a counter over 16 hexadecimal digits (the finaliser of SplitMix64, a bijection). */
    private static String hex(long number) {
        long z = number * 0x9E3779B97F4A7C15L;
        z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
        z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
        return String.format("%016x", z ^ (z >>> 31));
    }

    private void checkModel(@Nullable String model) {
        var names = parts.config().args().servedNames();
        if (model != null && !model.isEmpty() && !names.contains(model)) {
            throw new ApiException(ApiError.unknownModel(model, String.join(", ", names)));
        }
    }

    private void tokenize(Exchange exchange) {
        var body = BodyReader.tokenize(json(exchange));
        checkModel(body.text("model"));
        var messages = body.get("messages");
        int[] tokens = messages != null && messages.isArray()
                ? parts.orders().tokens(RequestReader.conversation(body))
                : parts.tokenizer().encode(text(body), body.flag("add_special_tokens", true));
        var answer = Json.object()
                .put("count", tokens.length)
                .put("max_model_len", parts.config().maxModelLen());
        var list = answer.putArray("tokens");
        for (int token : tokens) {
            list.add(token);
        }
        if (body.flag("return_token_strs", false)) {
            var strings = answer.putArray("token_strs");
            for (int token : tokens) {
                strings.add(parts.tokenizer().vocabularyText(token));
            }
        } else {
            answer.putNull("token_strs");
        }
        exchange.json(200, answer);
    }

    private static String text(BodyReader body) {
        var text = body.text("prompt");
        return text == null ? "" : text;
    }

    private void detokenize(Exchange exchange) {
        var body = BodyReader.detokenize(json(exchange));
        checkModel(body.text("model"));
        int[] tokens =
                body.wholes("tokens").stream().mapToInt(Integer::intValue).toArray();
        if (Arrays.stream(tokens).anyMatch(id -> id == Integer.MAX_VALUE)) {
            throw new ApiException(ApiError.badRequest("number too large to fit in target type", null));
        }
        exchange.json(200, Json.object().put("prompt", parts.tokenizer().decode(tokens, false)));
    }

    private void resetPrefixCache(Exchange exchange) {
        if (core.isAlive()) {
            core.resetPrefixCache().join();
        }
        exchange.respond(200, Map.of(), new byte[0]);
    }
}
