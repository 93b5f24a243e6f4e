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
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** vLLM's HTTP API over a core. Thread-safe. */
final class EngineApi {
    /** What {@code /version} says behind the release: whose behaviour the engine follows, and that it is not vLLM itself. */
    private static final String ADDED = "+bestfit.";

    /** The version this engine says it is. */
    static String version(EngineArgs args) {
        return args.release() + ADDED + (args.simulation().isPresent() ? "simulated" : "embedded");
    }

    private static final List<String> SCALE_OUT = List.of(
            "/v1/chat/completions/render",
            "/v1/messages/render",
            "/v1/completions/render",
            "/v1/responses/render",
            "/v1/chat/completions/derender",
            "/v1/completions/derender",
            "/inference/v1/generate",
            "/inference/v1/abort_requests");

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
        var dialects = new DialectApi(this, parts, core);
        on("POST", "/v1/responses", dialects::responses);
        on("GET", "/v1/responses/{response_id}", dialects::kept);
        on("POST", "/v1/responses/{response_id}/cancel", dialects::kept);
        on("POST", "/v1/messages", dialects::messages);
        on("POST", "/v1/messages/count_tokens", dialects::countTokens);
        on("POST", "/tokenize", this::tokenize);
        on("POST", "/detokenize", this::detokenize);
        on("POST", "/reset_prefix_cache", this::resetPrefixCache);
        on("GET", "/metrics", exchange -> metrics(exchange, "1.0.0"));
        // There it is an application of its own, which no method bothers.
        router.on("*", "/metrics", exchange -> metrics(exchange, "0.0.4"));
        router.on("*", "/metrics/", exchange -> metrics(exchange, "0.0.4"));
        on("GET", "/kv_event_sources", exchange -> exchange.json(200, Json.object()));
        on(
                "POST",
                "/is_scaling_elastic_ep",
                exchange -> exchange.json(200, Json.object().put("is_scaling_elastic_ep", false)));
        SCALE_OUT.forEach(path -> on("POST", path, EngineApi::refuseScaleOut));
    }

    private void metrics(Exchange exchange, String version) {
        var page = parts.metrics().text().getBytes(StandardCharsets.UTF_8);
        exchange.respond(200, "text/plain; version=" + version + "; charset=utf-8", page);
    }

    private static void refuseScaleOut(Exchange exchange) {
        throw new ApiException(new ApiError(
                403,
                "PermissionDeniedError",
                "Scale-out endpoints are disabled. Restart vllm serve with --enable-scale-out to enable them.",
                null));
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
            refused(logged, refused);
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
    private void refused(Exchange exchange, ApiException refused) {
        var error = refused.error();
        if (error.type().equals("NotFoundError")) {
            parts.log()
                    .error(
                            Writer.API,
                            "serving.py:274",
                            "Error with model error=ErrorInfo(message=" + PythonText.quoted(error.message())
                                    + ", type='" + error.type() + "', param='model', code=404)");
        }
        var events = refused.events();
        if (events == null) {
            exchange.json(error.status(), refused.body());
            return;
        }
        var stream = exchange.stream(200, Map.of("Content-Type", "text/event-stream; charset=utf-8"));
        stream.write(events.getBytes(StandardCharsets.UTF_8));
        stream.end();
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
            case 403 -> "Forbidden";
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
        serve(exchange, () -> answer(exchange, chat));
    }

    /** Answers a request. */
    void serve(Exchange exchange, Supplier<RequestAnswer> reading) throws InterruptedException {
        RequestAnswer answer;
        var open = parts.metrics().openRequests;
        core.beginReading();
        try {
            answer = reading.get();
            open.enter();
            answer.begin(exchange, open::leave);
        } finally {
            core.endReading();
        }
        answer.serve(exchange, open::leave);
    }

    private RequestAnswer answer(Exchange exchange, boolean chat) {
        GenerationRequest request = chat
                ? RequestReader.chat(
                        json(exchange), this::checkModel, parts.orders().defaults())
                : RequestReader.completion(
                        json(exchange), this::checkModel, parts.orders().defaults());
        refuseIfDead();
        refuseOtherRanks(exchange);
        // Nothing keeps a client from using an id twice.
        var unique = newId();
        var id = exchange.header("X-Request-Id").orElse(request.id() == null ? unique : request.id());
        var head = AnswerHead.of(parts, request, (chat ? "chatcmpl-" : "cmpl-") + id);
        return request.options().beamLengthPenalty() == null
                ? new Generation(parts, core, request, head, unique)
                : new BeamAnswer(parts, core, request, head, unique);
    }

    /** 16 hexadecimal digits that no other request has. */
    String newId() {
        return hex(ids.incrementAndGet());
    }

    void refuseIfDead() {
        if (!core.isAlive()) {
            throw new ApiException(ApiError.internal(EngineServer.DEAD));
        }
    }

    private static void refuseOtherRanks(Exchange exchange) {
        var rank = exchange.header("X-data-parallel-rank").filter(value -> value.matches("-?\\d{1,9}"));
        if (rank.isPresent() && Integer.parseInt(rank.get()) != 0) {
            throw new ApiException(ApiError.badRequest(
                    "data_parallel_rank " + Integer.parseInt(rank.get()) + " is out of range [0, 1).", null));
        }
    }

    /** The body, if it says that it is JSON. */
    static byte[] json(Exchange exchange) {
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

    void checkModel(@Nullable String model) {
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
