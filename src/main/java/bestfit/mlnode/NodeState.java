package bestfit.mlnode;

import bestfit.config.Json;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Answer of {@code GET /api/v1/state}. A client should read {@code state} alone and ignore further keys: builds differ.
 *
 * @param version of the node's program
 * @param inferenceHealthy null while nothing runs
 * @param loadedModel null while nothing runs
 */
public record NodeState(
        String state,
        String version,
        @Nullable Boolean inferenceHealthy,
        @Nullable String loadedModel) {
    public static final String INFERENCE = "INFERENCE";
    public static final String STOPPED = "STOPPED";

    public boolean serving() {
        return state.equals(INFERENCE);
    }

    public ObjectNode toJson() {
        var json = Json.object().put("version", version).put("state", state);
        json.putNull("poc_status");
        return json.put("inference_healthy", inferenceHealthy).put("loaded_model", loadedModel);
    }

    /** Reads an answer of any build; empty when it has no state. */
    public static Optional<NodeState> read(JsonNode json) {
        if (!json.path("state").isString()) {
            return Optional.empty();
        }
        var healthy = json.path("inference_healthy");
        var model = json.path("loaded_model");
        return Optional.of(new NodeState(
                json.path("state").stringValue(),
                json.path("version").asString(""),
                healthy.isBoolean() ? healthy.booleanValue() : null,
                model.isString() ? model.stringValue() : null));
    }
}
