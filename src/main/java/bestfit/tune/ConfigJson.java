package bestfit.tune;

import bestfit.args.DeploymentConfig;
import bestfit.args.VllmArgs;
import bestfit.config.Json;
import java.util.ArrayList;
import java.util.Collection;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Configs as JSON, the same in the database and in the node's {@code inference/up}. */
public final class ConfigJson {
    private ConfigJson() {}

    public static ObjectNode write(DeploymentConfig config) {
        var json = Json.object().put("model", config.model()).put("dtype", config.dtype());
        json.set("additional_args", strings(config.args().list()));
        return json;
    }

    public static DeploymentConfig read(JsonNode json) {
        var args = new ArrayList<String>();
        json.path("additional_args").forEach(arg -> args.add(arg.asString("")));
        return new DeploymentConfig(
                json.path("model").asString(""), json.path("dtype").asString("auto"), new VllmArgs(args));
    }

    public static ArrayNode strings(Collection<String> texts) {
        var array = Json.array();
        texts.forEach(array::add);
        return array;
    }
}
