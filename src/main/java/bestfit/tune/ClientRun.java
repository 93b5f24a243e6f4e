package bestfit.tune;

import bestfit.config.Json;
import bestfit.load.ClientSamples;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** The load generator's share in one experiment of one block. */
record ClientRun(String experiment, int block, ClientSamples samples) {
    static String write(List<ClientRun> runs) {
        var json = Json.object();
        var array = json.putArray("runs");
        runs.forEach(each -> array.add(each.toJson()));
        return Json.write(json);
    }

    static List<ClientRun> read(String text) {
        var runs = new ArrayList<ClientRun>();
        Json.parse(text).path("runs").forEach(each -> runs.add(read(each)));
        return runs;
    }

    private ObjectNode toJson() {
        var json = Json.object()
                .put("experiment", experiment)
                .put("block", block)
                .put("first_token_ms", samples.firstTokenMillis())
                .put("first_tokens", samples.firstTokens())
                .put("wait_ns", samples.waitNanos())
                .put("wakes", samples.wakes())
                .put("cpu_ns", samples.cpuNanos())
                .put("wall_ns", samples.wallNanos())
                .put("loops", samples.loops());
        write(json.putArray("send_lag_ms"), samples.sendLagMillis());
        write(json.putArray("loop_lag_ms"), samples.loopLagMillis());
        return json;
    }

    private static ClientRun read(JsonNode json) {
        return new ClientRun(
                json.path("experiment").stringValue(),
                json.path("block").asInt(),
                new ClientSamples(
                        doubles(json.path("send_lag_ms")),
                        json.path("first_token_ms").asDouble(),
                        json.path("first_tokens").asInt(),
                        doubles(json.path("loop_lag_ms")),
                        json.path("wait_ns").asDouble(Double.NaN),
                        json.path("wakes").asDouble(Double.NaN),
                        json.path("cpu_ns").asDouble(Double.NaN),
                        json.path("wall_ns").asDouble(),
                        json.path("loops").asInt()));
    }

    /** To a microsecond. */
    private static void write(ArrayNode array, List<Double> millis) {
        millis.forEach(each -> array.add(Math.round(each * 1000) / 1000.0));
    }

    private static List<Double> doubles(JsonNode array) {
        var values = new ArrayList<Double>();
        array.forEach(each -> values.add(each.asDouble()));
        return values;
    }
}
