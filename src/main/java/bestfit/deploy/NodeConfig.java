package bestfit.deploy;

import bestfit.args.VllmArgs;
import bestfit.config.ConfigException;
import bestfit.config.Json;
import bestfit.config.Problems;
import java.util.ArrayList;
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
        problems.throwIfAny();
        return nodes;
    }

    private static NodeConfig node(String where, JsonNode given, Problems problems) {
        var json = given.path("node").isObject() ? given.path("node") : given;
        var node = new NodeConfig(
                json.path("id").asString(""),
                json.path("host").asString(""),
                json.path("inference_port").asInt(0),
                json.path("poc_port").asInt(0),
                json.path("max_concurrent").asInt(0),
                models(where, json.path("models"), problems),
                json);
        node.problems().forEach(problem -> problems.add(where + ": " + problem));
        return node;
    }

    private static Map<String, VllmArgs> models(String where, JsonNode json, Problems problems) {
        var models = new LinkedHashMap<String, VllmArgs>();
        for (var entry : json.properties()) {
            var args = new ArrayList<String>();
            for (var arg : entry.getValue().path("args")) {
                if (!arg.isString()) {
                    problems.add(
                            where + ": an arg of " + entry.getKey() + " is " + arg + ", no string; write it in quotes");
                }
                args.add(arg.asString(""));
            }
            models.put(entry.getKey(), new VllmArgs(args));
        }
        return models;
    }

    private List<String> problems() {
        var problems = new ArrayList<String>();
        if (id.isBlank()) {
            problems.add("node id is required and cannot be empty");
        }
        if (host.isBlank()) {
            problems.add("host is required and cannot be empty");
        }
        if (inferencePort < 1 || inferencePort > LAST_PORT) {
            problems.add("inference_port must be between 1 and 65535, got " + inferencePort);
        }
        if (pocPort < 1 || pocPort > LAST_PORT) {
            problems.add("poc_port must be between 1 and 65535, got " + pocPort);
        }
        if (maxConcurrent < 1) {
            problems.add("max_concurrent must be greater than 0, got " + maxConcurrent);
        }
        if (models.isEmpty()) {
            problems.add("at least one model must be specified");
        }
        return problems;
    }
}
