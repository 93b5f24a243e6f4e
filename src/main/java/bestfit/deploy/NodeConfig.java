package bestfit.deploy;

import bestfit.args.VllmArgs;
import bestfit.config.ConfigException;
import bestfit.config.Json;
import bestfit.config.Problems;
import bestfit.config.Unreadable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/**
 * One node of a {@code node-config.json}, or of the network node's Admin API.
 *
 * @param host a name, an address, or a URL without a port
 * @param inferencePort as the network node reaches it: 5050 in the usual compose file
 * @param pocPort the management API's
 * @param models args by model
 * @param json the whole object, fields that are not read here included
 */
public record NodeConfig(
        String id,
        String host,
        int inferencePort,
        int pocPort,
        int maxConcurrent,
        Map<String, VllmArgs> models,
        JsonNode json) {
    private static final int LAST_PORT = 65_535;

    public NodeConfig {
        models = new LinkedHashMap<>(models);
    }

    /**
     * Reads a {@code node-config.json}.
     *
     * @throws ConfigException as {@link #read} does, and if the file cannot be read
     */
    public static List<NodeConfig> ofFile(Path file) {
        try {
            return read(file.toString(), Files.readString(file));
        } catch (IOException e) {
            throw new ConfigException(
                    file + " cannot be read: " + Unreadable.why(file, e) + "; give a node-config.json");
        }
    }

    /**
     * Reads a file's array of nodes, one node, or the Admin API's list.
     *
     * @param origin named in messages
     * @throws ConfigException with every problem, in the words of the network node where it has some
     */
    public static List<NodeConfig> read(String origin, String text) {
        JsonNode json;
        try {
            json = Json.parse(text);
        } catch (JacksonException e) {
            throw new ConfigException(origin + " is no JSON: " + Json.problem(e) + "; an array of nodes is expected");
        }
        var problems = new Problems();
        var nodes = new ArrayList<NodeConfig>();
        if (json.isObject()) {
            nodes.add(node(origin, json, problems));
        } else if (json.isArray() && !json.isEmpty()) {
            for (int i = 0; i < json.size(); i++) {
                nodes.add(node(origin + "[" + i + "]", json.get(i), problems));
            }
        } else {
            problems.add(origin + " holds no node; an array of objects with id, host, inference_port, poc_port, "
                    + "max_concurrent and models is expected");
        }
        var ids = new HashSet<String>();
        for (var node : nodes) {
            if (!node.id.isEmpty() && !ids.add(node.id)) {
                problems.add(origin + ": node id " + node.id + " is given twice; each node needs its own");
            }
        }
        problems.throwIfAny();
        return nodes;
    }

    private static NodeConfig node(String where, JsonNode given, Problems problems) {
        var json = given.path("node").isObject() ? given.path("node") : given;
        if (!json.isObject()) {
            problems.add(where + " is " + json + ", no node; an object with id, host, inference_port, … is expected");
            return new NodeConfig("", "", 0, 0, 0, Map.of(), json);
        }
        var fields = new Fields(where, json, problems);
        return new NodeConfig(
                fields.text("id", "node id is required and cannot be empty"),
                fields.text("host", "host is required and cannot be empty"),
                fields.whole("inference_port", LAST_PORT, "inference_port must be between 1 and 65535"),
                fields.whole("poc_port", LAST_PORT, "poc_port must be between 1 and 65535"),
                fields.whole("max_concurrent", Long.MAX_VALUE, "max_concurrent must be greater than 0"),
                fields.models(),
                json);
    }

    /** Reads one node's fields; a value of another type, which the network node refuses too, is a problem of its own. */
    private record Fields(String where, JsonNode json, Problems problems) {
        String text(String name, String ifEmpty) {
            var value = json.path(name);
            if (!given(value) || (value.isString() && value.stringValue().isBlank())) {
                add(ifEmpty);
            } else if (!value.isString()) {
                add(name + " is " + value + ", no string; write it in quotes");
            }
            return value.asString("");
        }

        /** From 1 on. */
        int whole(String name, long most, String ifOutside) {
            var value = json.path(name);
            long number = given(value) ? value.asLong(-1) : 0;
            if (given(value) && !value.isIntegralNumber()) {
                add(name + " is " + value + ", no whole number; write it without quotes or a point");
            } else if (number < 1 || number > most) {
                add(ifOutside + ", got " + (given(value) ? value : "0"));
            }
            return Math.clamp(number, 0, Integer.MAX_VALUE);
        }

        Map<String, VllmArgs> models() {
            var value = json.path("models");
            var models = new LinkedHashMap<String, VllmArgs>();
            for (var entry : value.properties()) {
                models.put(entry.getKey(), args(entry.getKey(), entry.getValue()));
            }
            if (given(value) && !value.isObject()) {
                add("models is " + value + ", no object; write {\"MODEL\": {\"args\": [\"--flag\", \"value\"]}}");
            } else if (models.isEmpty()) {
                add("at least one model must be specified");
            }
            return models;
        }

        private VllmArgs args(String model, JsonNode settings) {
            var list = settings.path("args");
            if ((given(settings) && !settings.isObject()) || (given(list) && !list.isArray())) {
                add(model + " is " + settings
                        + "; write {\"args\": [\"--flag\", \"value\"]}, each word a string of its own");
                return VllmArgs.of();
            }
            var args = new ArrayList<String>();
            for (var arg : list) {
                if (!arg.isString()) {
                    add("an arg of " + model + " is " + arg + ", no string; write it in quotes");
                }
                args.add(arg.asString(""));
            }
            return new VllmArgs(args);
        }

        private static boolean given(JsonNode value) {
            return !value.isMissingNode() && !value.isNull();
        }

        private void add(String problem) {
            problems.add(where + ": " + problem);
        }
    }
}
