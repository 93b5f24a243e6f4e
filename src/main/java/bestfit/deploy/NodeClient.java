package bestfit.deploy;

import bestfit.args.DeploymentConfig;
import bestfit.args.VllmArgs;
import bestfit.config.Json;
import bestfit.hardware.Device;
import bestfit.hardware.GpuReading;
import bestfit.http.ErrorText;
import bestfit.http.HttpClient;
import bestfit.metrics.EngineBirth;
import bestfit.mlnode.InstanceStatus;
import bestfit.mlnode.NodeState;
import bestfit.mlnode.UpRequest;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import tools.jackson.databind.JsonNode;

/**
 * Calls of a node's management API, of gonka's MLNode and of ours. Thread-safe.
 *
 * <p>MLNode's builds answer a failed start in three ways, all understood here: status 200 with {@code "status": "ERROR"},
 * status 500 with {@code detail}, and by ending themselves a few seconds later.
 */
public final class NodeClient {
    private static final Duration SHORT = Duration.ofSeconds(10);
    private static final Duration STOP = Duration.ofSeconds(90);

    /** Both network node and MLNode give up on a start after 20 minutes at most. */
    private static final Duration START = Duration.ofMinutes(25);

    private final NodeAddress address;
    private final HttpClient management;
    private final HttpClient inference;

    public NodeClient(NodeAddress address) {
        this.address = address;
        this.management = new HttpClient(address.tokens().management());
        this.inference = new HttpClient(address.tokens().inference());
    }

    public NodeAddress address() {
        return address;
    }

    /** What {@code inference/up} led to. */
    public sealed interface Start {
        record Up() implements Start {}

        /** It could not be started; {@code failure} is told by our node only. */
        record Failed(String message, Optional<InstanceStatus.FailureStatus> failure) implements Start {}

        /** Something runs or is starting there: status 409. */
        record Busy(String message) implements Start {}
    }

    /** @throws IOException if the node does not answer, or answers something else than a state */
    public NodeState state() throws IOException {
        var answer = management.get(address.management() + "/api/v1/state", SHORT);
        if (answer.status() == 401) {
            throw new IOException(address.management() + " asks for "
                    + (address.tokens().management().isEmpty() ? "a token" : "another token")
                    + "; give the file that holds it with --management-token-file");
        }
        return answer.json()
                .flatMap(NodeState::read)
                .orElseThrow(() -> new IOException(address.management() + "/api/v1/state answered status "
                        + answer.status() + " and no state: it is no MLNode"));
    }

    /** Starts and blocks until all instances serve, or one cannot. */
    public Start up(DeploymentConfig config) throws IOException {
        var request =
                new UpRequest(config.model(), config.dtype(), config.args().list());
        var answer = management.postJson(address.management() + "/api/v1/inference/up", request.toJson(), START);
        var json = answer.json().orElse(Json.object());
        if (answer.status() == 409) {
            return new Start.Busy(message(json, answer.text()));
        }
        boolean ok = answer.status() == 200 && json.path("status").asString("").equals("OK");
        return ok
                ? new Start.Up()
                : new Start.Failed(
                        message(json, answer.text()), InstanceStatus.FailureStatus.read(json.path("failure")));
    }

    private static String message(JsonNode json, String text) {
        for (var field : List.of("detail", "message", "error")) {
            if (json.has(field)) {
                var value = json.path(field);
                return value.isString() ? value.stringValue() : value.toString();
            }
        }
        return text.isBlank() ? "no reason given" : ErrorText.oneLine(text);
    }

    /** Ends whatever runs; nothing running is fine. */
    public void stop() throws IOException {
        var answer = management.postJson(address.management() + "/api/v1/stop", Json.object(), STOP);
        if (answer.status() != 200) {
            throw new IOException("stopping on " + address.management() + " was answered status " + answer.status()
                    + ": " + ErrorText.oneLine(answer.text()));
        }
    }

    /** Ends what serves or starts, and nothing else; at once after a failed start it keeps MLNode (2026) from ending itself. */
    public void down() throws IOException {
        management.postJson(address.management() + "/api/v1/inference/down", Json.object(), STOP);
    }

    /** How a start stands: {@code up/status}; empty where the node has no such call, as MLNode of 2025. */
    public Optional<JsonNode> upStatus() throws IOException {
        var answer = management.get(address.management() + "/api/v1/inference/up/status", SHORT);
        return answer.json().filter(json -> json.path("status").isString());
    }

    /** Which engine the balanced port would give a request to now, by its {@link EngineBirth}; empty where that cannot be told. */
    Optional<String> nextEngine() {
        try {
            var answer = inference.get(address.inference() + "/metrics", SHORT);
            var born = answer.status() == 200 ? EngineBirth.of(answer.text()) : List.<String>of();
            return born.isEmpty() ? Optional.empty() : Optional.of(String.join(" ", born));
        } catch (IOException none) {
            return Optional.empty();
        }
    }

    /** Every instance with its state; empty where the node cannot tell, as MLNode cannot. */
    public Optional<List<InstanceStatus>> instances() throws IOException {
        var answer = management.get(address.management() + "/api/v1/inference/instances", SHORT);
        var json = answer.json();
        if (answer.status() != 200 || json.isEmpty()) {
            return Optional.empty();
        }
        var list = json.get().has("instances") ? json.get().path("instances") : json.get();
        var instances = new ArrayList<InstanceStatus>();
        list.forEach(each -> instances.add(InstanceStatus.read(each)));
        return Optional.of(instances);
    }

    /** The newest lines that the first instance wrote, in order; empty where the node does not tell, as MLNode does not. */
    public List<String> log() throws IOException {
        var answer = management.get(
                address.management() + "/api/v1/inference/logs?instance=0&lines=" + NodeLogs.MOST_LINES, SHORT);
        var lines = new ArrayList<String>();
        if (answer.status() == 200) {
            answer.json().orElse(Json.object()).path("lines").forEach(line -> lines.add(line.asString("")));
        }
        return lines;
    }

    /** What was deployed last and runs; empty when nothing does, or the node cannot tell. */
    public Optional<DeploymentConfig> current() throws IOException {
        var answer = management.get(address.management() + "/api/v1/inference/current", SHORT);
        var json = answer.json().orElse(Json.object());
        if (answer.status() != 200 || !json.path("model").isString()) {
            return Optional.empty();
        }
        var args = new ArrayList<String>();
        json.path("additional_args").forEach(arg -> args.add(arg.asString("")));
        return Optional.of(new DeploymentConfig(
                json.path("model").stringValue(), json.path("dtype").asString("auto"), new VllmArgs(args)));
    }

    /** The node's GPUs; empty where it has none or does not tell. */
    public List<Device> gpus() throws IOException {
        var answer = management.get(address.management() + "/api/v1/gpu/devices", SHORT);
        var devices = new ArrayList<Device>();
        if (answer.status() == 200) {
            answer.json()
                    .orElse(Json.object())
                    .path("devices")
                    .forEach(each -> devices.add(new Device(
                            Device.Kind.GPU,
                            each.path("index").asInt(devices.size()),
                            each.path("name").asString("GPU"),
                            each.path("total_memory_mb").asLong(0) << 20)));
        }
        return devices;
    }

    /** Its GPUs as they are now: all that their driver tells where the node is ours, less where it is MLNode. */
    public GpuReading gpuReading() throws IOException {
        var inventory = management.get(address.management() + "/api/v1/gpu/inventory", SHORT);
        if (inventory.status() == 200) {
            return GpuReading.ofNode(inventory.json().orElse(Json.object()));
        }
        var devices = management.get(address.management() + "/api/v1/gpu/devices", SHORT);
        return devices.status() == 200 ? GpuReading.ofMlNode(devices.json().orElse(Json.object())) : GpuReading.NONE;
    }

    /** What the engine behind the inference port says it is, such as {@code 0.23.0}; empty where none tells. */
    public Optional<String> engineVersion() {
        try {
            var answer = inference.get(address.inference() + "/version", SHORT);
            return answer.json()
                    .filter(_ -> answer.status() == 200)
                    .map(json -> json.path("version").asString(""))
                    .filter(version -> !version.isEmpty());
        } catch (IOException none) {
            return Optional.empty();
        }
    }

    /** One request through the inference port; the status and the text of its answer. */
    HttpClient.Answer ask(String model, int tokens) throws IOException {
        var body = Json.object().put("model", model).put("max_tokens", tokens).put("temperature", 0.0);
        body.put("ignore_eos", true)
                .putArray("messages")
                .addObject()
                .put("role", "user")
                .put("content", "Say yes.");
        return inference.postJson(address.inference() + "/v1/chat/completions", body, Duration.ofMinutes(5));
    }
}
