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
 * @param proofs what MLNode tells of its proofs of compute: null without any, {@code NO_BACKENDS} during a start
 * @param inferenceHealthy null while nothing runs
 * @param loadedModel null while nothing runs
 */
public record NodeState(
        String state,
        String version,
        @Nullable String proofs,
        @Nullable Boolean inferenceHealthy,
        @Nullable String loadedModel) {
    public static final String INFERENCE = "INFERENCE";
    public static final String STOPPED = "STOPPED";

    /** Nothing of proofs is told. */
    public NodeState(String state, String version, @Nullable Boolean inferenceHealthy, @Nullable String loadedModel) {
        this(state, version, null, inferenceHealthy, loadedModel);
    }

    /** While engines start, as MLNode answers then. */
    public static NodeState starting(String version) {
        return new NodeState(INFERENCE, version, "NO_BACKENDS", false, null);
    }

    /** True also during a start, when nothing is served yet. */
    public boolean serving() {
        return state.equals(INFERENCE);
    }

    public ObjectNode toJson() {
        var json = Json.object().put("version", version).put("state", state);
        json.put("poc_status", proofs);
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
                json.path("poc_status").isString() ? json.path("poc_status").stringValue() : null,
                healthy.isBoolean() ? healthy.booleanValue() : null,
                model.isString() ? model.stringValue() : null));
    }
}
