package bestfit.mlnode;

import bestfit.config.Json;
import java.util.List;
import tools.jackson.databind.node.ObjectNode;

/** Body of {@code POST /api/v1/inference/up} and {@code up/async}. */
public record UpRequest(String model, String dtype, List<String> additionalArgs) {
    public UpRequest {
        additionalArgs = List.copyOf(additionalArgs);
    }

    public ObjectNode toJson() {
        var json = Json.object().put("model", model).put("dtype", dtype);
        var args = json.putArray("additional_args");
        additionalArgs.forEach(args::add);
        return json;
    }
}
