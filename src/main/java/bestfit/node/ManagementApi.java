package bestfit.node;

import bestfit.config.Json;
import bestfit.http.Exchange;
import bestfit.http.Handler;
import bestfit.http.Router;
import bestfit.mlnode.UpBody;
import bestfit.mlnode.UpRequest;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import tools.jackson.databind.node.ObjectNode;

/**
 * MLNode's management API, as its builds of 2026 answer it, and some of our own below {@code /api/v1/inference}. What is
 * not served here (training, proofs of compute) is 404, which MLNode's clients read as "not implemented".
 */
final class ManagementApi {
    private static final int DEFAULT_LOG_LINES = 100;
    private static final int MOST_LOG_LINES = 10_000;
    private static final Set<String> YES = Set.of("true", "1", "yes");

    private final NodeOptions options;
    private final Engines engines;
    private final NodeEvents events;
    private final ArgRules rules;
    private final Handler relay;
    private final ModelsApi models;
    private final GpuReport gpus;

    ManagementApi(NodeOptions options, Engines engines, NodeEvents events, ArgRules rules, Handler relay) {
        this.options = options;
        this.engines = engines;
        this.events = events;
        this.rules = rules;
        this.relay = relay;
        this.models = ModelsApi.of(options.engine(), options.environment());
        this.gpus = new GpuReport(options.gpuEnvironment());
    }

    /** All routes; those that change or tell something are for callers with the token, probes are for all. */
    Router router(Optional<BearerToken> token) {
        var router = new Router();
        new Routes(router, token)
                .post("/api/v1/inference/up", this::up)
                .post("/api/v1/inference/up/async", this::upAsync)
                .get(
                        "/api/v1/inference/up/status",
                        exchange -> exchange.json(200, engines.upStatus().toJson()))
                .post("/api/v1/inference/down", this::down)
                .post("/api/v1/stop", this::down)
                .get(
                        "/api/v1/state",
                        exchange -> exchange.json(200, engines.state().toJson()))
                .get("/api/v1/versions", this::versions)
                .get("/api/v1/inference/instances", this::instances)
                .get("/api/v1/inference/logs", this::logs)
                .get("/api/v1/inference/current", this::current)
                .get("/api/v1/inference/events", events::stream)
                .get("/api/v1/gpu/devices", exchange -> exchange.json(200, gpus.devices()))
                .get("/api/v1/gpu/driver", this::gpuDriver)
                .get("/api/v1/gpu/inventory", exchange -> exchange.json(200, gpus.inventory()))
                .get("/api/v1/models/list", models::list)
                .get("/api/v1/models/space", models::space)
                .post("/api/v1/models/status", models::status)
                .post("/api/v1/models/download", models::download)
                .delete("/api/v1/models", models::delete)
                .get("/metrics", this::metrics)
                .get("/api/v1/metrics", this::metrics);
        return router.get("/health", this::health)
                .get("/livez", this::health)
                .get("/readyz", exchange -> exchange.json(200, Json.object().put("ready", true)))
                .on("*", "/v1/*", relay);
    }

    private record Routes(Router router, Optional<BearerToken> token) {
        Routes get(String path, Handler handler) {
            return on("GET", path, handler);
        }

        Routes post(String path, Handler handler) {
            return on("POST", path, handler);
        }

        Routes delete(String path, Handler handler) {
            return on("DELETE", path, handler);
        }

        private Routes on(String method, String path, Handler handler) {
            router.on(method, path, BearerToken.guard(token, handler));
            return this;
        }
    }

    private void up(Exchange exchange) {
        var request = read(exchange);
        if (request.isPresent()) {
            answer(exchange, engines.up(request.get()));
        }
    }

    private void upAsync(Exchange exchange) {
        var request = read(exchange);
        if (request.isEmpty()) {
            return;
        }
        var refused = engines.upAsync(request.get());
        if (refused.isPresent()) {
            answer(exchange, refused.get());
        } else {
            exchange.json(
                    200,
                    Json.object()
                            .put("status", "starting")
                            .put("message", "Inference startup initiated in background"));
        }
    }

    /** Answers 400 or 422 itself when the body is no request. */
    private Optional<UpRequest> read(Exchange exchange) {
        return switch (UpBody.read(exchange.header("Content-Type"), exchange.body())) {
            case UpBody.Valid(var request) -> {
                var refusals = rules.refusals(request.model(), request.additionalArgs());
                if (!refusals.isEmpty()) {
                    exchange.json(422, refused(refusals));
                }
                yield refusals.isEmpty() ? Optional.of(request) : Optional.empty();
            }
            case UpBody.Invalid(int status, var answer) -> {
                exchange.json(status, answer);
                yield Optional.empty();
            }
        };
    }

    private static ObjectNode refused(List<ArgRules.Refusal> refusals) {
        var body = Json.object();
        var details = body.putArray("detail");
        for (var refusal : refusals) {
            var detail = details.addObject().put("type", "value_error");
            detail.putArray("loc").add("body").add("additional_args").add(refusal.index());
            detail.put("msg", "Value error, " + refusal.reason()).put("input", refusal.argument());
        }
        return body;
    }

    private static void answer(Exchange exchange, UpResult result) {
        switch (result) {
            case UpResult.Up _ -> exchange.json(200, ok());
            case UpResult.Refused(var reason) -> exchange.json(409, detail(reason));
            case UpResult.Cancelled _ -> exchange.json(500, detail("Inference startup was cancelled by down"));
            case UpResult.Failed(var failure, var instances) -> {
                var body = detail("vLLM process exited prematurely: " + failure.name() + ": " + failure.line());
                body.set("failure", EngineFailed.status(failure).toJson());
                var reached = body.putArray("instances");
                instances.forEach(each -> reached.add(each.toJson()));
                exchange.json(500, body);
            }
        }
    }

    private void down(Exchange exchange) {
        var refused = engines.down();
        if (refused.isPresent()) {
            exchange.json(409, detail(refused.get()));
        } else {
            exchange.json(200, ok());
        }
    }

    private void versions(Exchange exchange) {
        exchange.json(
                200,
                Json.object()
                        .put("version", options.version())
                        .putNull("vllm_version")
                        .put("poc_validation_inference", false));
    }

    private void instances(Exchange exchange) {
        var body = Json.object();
        var list = body.putArray("instances");
        engines.instances().forEach(each -> list.add(each.toJson()));
        exchange.json(200, body);
    }

    /** {@code ?instance=I&lines=N&follow=true}; of the deployment that runs or ran last. Following streams plain lines. */
    private void logs(Exchange exchange) throws InterruptedException {
        var index = number(exchange, "instance", 0);
        var lines = number(exchange, "lines", DEFAULT_LOG_LINES);
        if (index.isEmpty() || lines.isEmpty()) {
            exchange.json(422, detail("instance and lines are whole numbers from 0"));
            return;
        }
        var log = engines.log(index.get());
        if (log.isEmpty()) {
            exchange.json(404, detail("No instance " + index.get() + " in the current or last deployment"));
            return;
        }
        int count = Math.min(lines.get(), MOST_LOG_LINES);
        if (exchange.query("follow").filter(YES::contains).isPresent()) {
            log.get().follow(exchange, count);
            return;
        }
        var body = Json.object().put("instance", index.get());
        log.get().last(count).forEach(body.putArray("lines")::add);
        exchange.json(200, body);
    }

    private static Optional<Integer> number(Exchange exchange, String name, int otherwise) {
        var text = exchange.query(name);
        if (text.isEmpty()) {
            return Optional.of(otherwise);
        }
        return text.filter(digits -> digits.matches("\\d{1,9}")).map(Integer::valueOf);
    }

    private void current(Exchange exchange) {
        var now = engines.current();
        if (now.isPresent()) {
            exchange.json(200, now.get());
        } else {
            exchange.json(404, detail("Nothing is deployed"));
        }
    }

    private void gpuDriver(Exchange exchange) {
        var driver = gpus.driver();
        exchange.json(driver.isEmpty() ? 503 : 200, driver.orElseGet(() -> detail("NVML is not available")));
    }

    private void metrics(Exchange exchange) {
        var now = engines.current();
        var text = NodeMetrics.text(
                options.version(),
                now.map(each -> each.path("model").asString("")).filter(model -> !model.isEmpty()),
                now.map(each -> each.path("dtype").asString("")).orElse(""),
                now.map(ManagementApi::args).orElse(List.of()),
                engines.instances(),
                engines.metrics(),
                GpuMetrics.lines(gpus.read()));
        exchange.respond(200, "text/plain; version=0.0.4; charset=utf-8", text.getBytes(StandardCharsets.UTF_8));
    }

    private static List<String> args(ObjectNode current) {
        return current.path("additional_args")
                .valueStream()
                .map(each -> each.asString(""))
                .toList();
    }

    /** MLNode calls itself unhealthy without a GPU; this node also serves from cores, so a GPU is not asked for. */
    private void health(Exchange exchange) {
        var state = engines.state();
        boolean healthy = engines.healthy();
        var body =
                Json.object().put("status", healthy ? "healthy" : "unhealthy").put("service_state", state.state());
        var found = gpus.devices();
        int count = found.path("count").asInt(0);
        body.putObject("gpu").put("available", count > 0).put("count", count).set("devices", found.path("devices"));
        var managers = body.putObject("managers");
        managers.putObject("inference").put("running", state.serving()).put("healthy", healthy);
        managers.putObject("train").put("running", false).put("healthy", true);
        exchange.json(healthy ? 200 : 503, body);
    }

    private static ObjectNode ok() {
        return Json.object().put("status", "OK");
    }

    private static ObjectNode detail(String text) {
        return Json.object().put("detail", text);
    }
}
