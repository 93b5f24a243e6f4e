package bestfit.node;

import bestfit.config.Json;
import bestfit.http.Exchange;
import bestfit.http.Handler;
import bestfit.http.Router;
import bestfit.mlnode.UpBody;
import bestfit.mlnode.UpRequest;
import bestfit.node.Lifecycle.UpResult;
import java.util.Optional;
import tools.jackson.databind.node.ObjectNode;

/**
 * MLNode's management API, as its builds of 2026 answer it, and some of our own below {@code /api/v1/inference}. What is
 * not served here (training, proofs of compute) is 404, which MLNode's clients read as "not implemented".
 */
final class ManagementApi {
    private static final int DEFAULT_LOG_LINES = 100;
    private static final int MOST_LOG_LINES = 10_000;

    private final NodeOptions options;
    private final Lifecycle lifecycle;
    private final Handler relay;
    private final ModelCache models;
    private final GpuReport gpus;

    ManagementApi(NodeOptions options, Lifecycle lifecycle, Handler relay) {
        this.options = options;
        this.lifecycle = lifecycle;
        this.relay = relay;
        this.models = ModelCache.of(options.environment());
        this.gpus = new GpuReport(options.environment());
    }

    Router router() {
        return new Router()
                .post("/api/v1/inference/up", this::up)
                .post("/api/v1/inference/up/async", this::upAsync)
                .get(
                        "/api/v1/inference/up/status",
                        exchange -> exchange.json(200, lifecycle.upStatus().toJson()))
                .post("/api/v1/inference/down", this::down)
                .post("/api/v1/stop", this::down)
                .get(
                        "/api/v1/state",
                        exchange -> exchange.json(200, lifecycle.state().toJson()))
                .get("/api/v1/inference/instances", this::instances)
                .get("/api/v1/inference/logs", this::logs)
                .get("/api/v1/inference/current", this::current)
                .get("/api/v1/gpu/devices", exchange -> exchange.json(200, gpus.devices()))
                .get("/api/v1/gpu/driver", this::gpuDriver)
                .get("/api/v1/models/list", exchange -> exchange.json(200, models.list()))
                .get("/api/v1/models/space", exchange -> exchange.json(200, models.space()))
                .post("/api/v1/models/status", models::status)
                .get("/health", this::health)
                .get("/livez", this::health)
                .get("/readyz", exchange -> exchange.json(200, Json.object().put("ready", true)))
                .on("*", "/v1/*", relay);
    }

    private void up(Exchange exchange) {
        var request = read(exchange);
        if (request.isPresent()) {
            answer(exchange, lifecycle.up(request.get()));
        }
    }

    private void upAsync(Exchange exchange) {
        var request = read(exchange);
        if (request.isEmpty()) {
            return;
        }
        var refused = lifecycle.upAsync(request.get());
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

    /** Answers 422 itself when the body is no request. */
    private static Optional<UpRequest> read(Exchange exchange) {
        return switch (UpBody.read(exchange.header("Content-Type"), exchange.body())) {
            case UpBody.Valid(var request) -> Optional.of(request);
            case UpBody.Invalid(var answer) -> {
                exchange.json(422, answer);
                yield Optional.empty();
            }
        };
    }

    private static void answer(Exchange exchange, UpResult result) {
        switch (result) {
            case UpResult.Up _ -> exchange.json(200, ok());
            case UpResult.Refused(var reason) -> exchange.json(409, detail(reason));
            case UpResult.Cancelled _ -> exchange.json(500, detail("Inference startup was cancelled by down"));
            case UpResult.Failed(var failure) -> {
                var body = detail("vLLM process exited prematurely: " + failure.name() + ": " + failure.line());
                body.set("failure", EngineFailed.status(failure).toJson());
                exchange.json(500, body);
            }
        }
    }

    private void down(Exchange exchange) {
        lifecycle.down();
        exchange.json(200, ok());
    }

    private void instances(Exchange exchange) {
        var body = Json.object();
        var list = body.putArray("instances");
        lifecycle.current().ifPresent(now -> now.status().forEach(each -> list.add(each.toJson())));
        exchange.json(200, body);
    }

    /** {@code ?instance=I&lines=N}; of the deployment that runs or ran last. */
    private void logs(Exchange exchange) {
        var index = number(exchange, "instance", 0);
        var lines = number(exchange, "lines", DEFAULT_LOG_LINES);
        if (index.isEmpty() || lines.isEmpty()) {
            exchange.json(422, detail("instance and lines are whole numbers from 0"));
            return;
        }
        var instance = lifecycle.recent().flatMap(each -> each.instance(index.get()));
        if (instance.isEmpty()) {
            exchange.json(404, detail("No instance " + index.get() + " in the current or last deployment"));
            return;
        }
        var body = Json.object().put("instance", index.get());
        var list = body.putArray("lines");
        instance.get().log().last(Math.min(lines.get(), MOST_LOG_LINES)).forEach(list::add);
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
        var now = lifecycle.current();
        if (now.isPresent()) {
            exchange.json(200, now.get().toJson());
        } else {
            exchange.json(404, detail("Nothing is deployed"));
        }
    }

    private void gpuDriver(Exchange exchange) {
        var driver = gpus.driver();
        if (driver.isEmpty()) {
            exchange.json(503, detail("NVML is not available"));
            return;
        }
        exchange.json(
                200,
                Json.object()
                        .put("driver_version", driver.get())
                        .putNull("cuda_driver_version")
                        .putNull("nvml_version"));
    }

    /** MLNode calls itself unhealthy without a GPU; this node also serves from cores, so a GPU is not asked for. */
    private void health(Exchange exchange) {
        var state = lifecycle.state();
        boolean healthy = lifecycle.healthy();
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
