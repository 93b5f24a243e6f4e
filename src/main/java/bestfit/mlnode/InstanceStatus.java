package bestfit.mlnode;

import bestfit.config.Json;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * One engine of a deployment, an element of {@code GET /api/v1/inference/instances}, which is this project's own.
 *
 * @param pid of the process started for it, 0 when none runs
 * @param devices the devices it was given: their numbers, on the wire as such, or UUIDs
 * @param state one of {@code starting}, {@code serving}, {@code unhealthy}, {@code hung}, {@code restarting}, {@code failed},
 *     {@code stopped}
 * @param since when it took this state, ISO-8601
 * @param restarts how often it was started again after dying
 * @param kvTokens what its KV cache holds; null until it serves, or where it does not tell
 * @param failure why it last died, kept after a restart
 */
public record InstanceStatus(
        int index,
        long pid,
        int port,
        List<String> devices,
        String state,
        String since,
        int restarts,
        int inFlight,
        @Nullable Long kvTokens,
        Optional<FailureStatus> failure) {
    public InstanceStatus {
        devices = List.copyOf(devices);
    }

    /** A failure on the wire: its stable name and the log lines that show it. */
    public record FailureStatus(String name, String line, List<String> lines) {
        public FailureStatus {
            lines = List.copyOf(lines);
        }

        public ObjectNode toJson() {
            var json = Json.object().put("class", name).put("line", line);
            var array = json.putArray("lines");
            lines.forEach(array::add);
            return json;
        }

        /** Empty when {@code json} is no failure. */
        public static Optional<FailureStatus> read(JsonNode json) {
            if (!json.path("class").isString()) {
                return Optional.empty();
            }
            var lines = new ArrayList<String>();
            json.path("lines").forEach(line -> lines.add(line.asString("")));
            return Optional.of(new FailureStatus(
                    json.path("class").stringValue(), json.path("line").asString(""), lines));
        }
    }

    public ObjectNode toJson() {
        var json = Json.object().put("index", index).put("pid", pid).put("port", port);
        var array = json.putArray("devices");
        for (var device : devices) {
            if (device.matches("\\d{1,9}")) {
                array.add(Integer.parseInt(device));
            } else {
                array.add(device);
            }
        }
        json.put("state", state).put("since", since).put("restarts", restarts).put("in_flight", inFlight);
        json.put("kv_tokens", kvTokens);
        failure.ifPresentOrElse(found -> json.set("failure", found.toJson()), () -> json.putNull("failure"));
        return json;
    }

    public static InstanceStatus read(JsonNode json) {
        var devices = new ArrayList<String>();
        json.path("devices").forEach(device -> devices.add(device.asString("")));
        return new InstanceStatus(
                json.path("index").asInt(0),
                json.path("pid").asLong(0),
                json.path("port").asInt(0),
                devices,
                json.path("state").asString(""),
                json.path("since").asString(""),
                json.path("restarts").asInt(0),
                json.path("in_flight").asInt(0),
                json.path("kv_tokens").isNumber()
                        ? Long.valueOf(json.path("kv_tokens").longValue())
                        : null,
                FailureStatus.read(json.path("failure")));
    }
}
