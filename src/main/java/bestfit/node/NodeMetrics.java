package bestfit.node;

import bestfit.args.VllmArgs;
import bestfit.mlnode.InstanceStatus;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** The node's Prometheus text: MLNode's series, the engines' own by replica, and a few about the instances. Pure. */
final class NodeMetrics {
    private static final Pattern SERIES = Pattern.compile("^(vllm:[a-zA-Z_]+)(?:\\{(.*)})? (\\S+)$");
    private static final Pattern LABEL = Pattern.compile("([a-zA-Z_]+)=\"((?:[^\"\\\\]|\\\\.)*)\"");

    /** What is passed on; an engine's histograms of sizes and its HTTP series are not. */
    private static final Set<String> PASSED = Set.of(
            "vllm:num_requests_running",
            "vllm:num_requests_waiting",
            "vllm:kv_cache_usage_perc",
            "vllm:prompt_tokens_total",
            "vllm:generation_tokens_total",
            "vllm:num_preemptions_total",
            "vllm:prefix_cache_queries_total",
            "vllm:prefix_cache_hits_total",
            "vllm:request_success_total",
            "vllm:iteration_tokens_total_count",
            "vllm:iteration_tokens_total_sum",
            "vllm:time_to_first_token_seconds_bucket",
            "vllm:time_to_first_token_seconds_sum",
            "vllm:time_to_first_token_seconds_count",
            "vllm:inter_token_latency_seconds_bucket",
            "vllm:inter_token_latency_seconds_sum",
            "vllm:inter_token_latency_seconds_count",
            "vllm:e2e_request_latency_seconds_bucket",
            "vllm:e2e_request_latency_seconds_sum",
            "vllm:e2e_request_latency_seconds_count");

    private NodeMetrics() {}

    /**
     * The whole text.
     *
     * @param model of the deployment; empty when nothing runs, and then no configuration is told
     * @param engines what each instance's own {@code /metrics} said
     * @param gpus lines about the GPUs
     */
    static String text(
            String version,
            Optional<String> model,
            String dtype,
            List<String> args,
            List<InstanceStatus> instances,
            List<Optional<String>> engines,
            List<String> gpus) {
        var lines = new ArrayList<String>();
        lines.add("# TYPE gonka_metrics_schema_info gauge");
        lines.add("gonka_metrics_schema_info{version=\"1\"} 1");
        lines.add("# TYPE mlnode_version_info gauge");
        lines.add("mlnode_version_info{version=\"" + escaped(version) + "\"} 1");
        model.ifPresent(name -> lines.addAll(config(name, dtype, new VllmArgs(args), instances.size())));
        lines.add("# TYPE bestfit_instance_up gauge");
        instances.forEach(each -> lines.add(instance("up", each, each.state().equals("serving") ? 1 : 0)));
        lines.add("# TYPE bestfit_instance_in_flight gauge");
        instances.forEach(each -> lines.add(instance("in_flight", each, each.inFlight())));
        lines.add("# TYPE bestfit_instance_restarts_total counter");
        instances.forEach(each -> lines.add(instance("restarts_total", each, each.restarts())));
        lines.addAll(gpus);
        lines.addAll(passedOn(engines));
        return String.join("\n", lines) + "\n";
    }

    private static List<String> config(String model, String dtype, VllmArgs args, int replicas) {
        var labels = new LinkedHashMap<String, String>();
        labels.put("model_name", escaped(model));
        labels.put("dtype", escaped(dtype));
        labels.put("replicas", Integer.toString(replicas));
        for (var flag :
                List.of("--max-num-seqs", "--max-model-len", "--tensor-parallel-size", "--pipeline-parallel-size")) {
            labels.put(
                    flag.substring(2).replace('-', '_'),
                    escaped(args.value(flag).orElse("")));
        }
        return List.of("# TYPE mlnode_config_info gauge", "mlnode_config_info" + braces(labels) + " 1");
    }

    private static String instance(String what, InstanceStatus instance, int value) {
        return "bestfit_instance_" + what + "{replica=\"" + instance.index() + "\",port=\"" + instance.port() + "\"} "
                + value;
    }

    /** Series of one name together, as the format wants, with model and replica first and without the engine's number. */
    private static List<String> passedOn(List<Optional<String>> engines) {
        var byName = new TreeMap<String, List<String>>();
        for (int replica = 0; replica < engines.size(); replica++) {
            for (var line : engines.get(replica).orElse("").lines().toList()) {
                var series = SERIES.matcher(line);
                if (series.matches() && PASSED.contains(series.group(1))) {
                    var text = series.group(1) + braces(labels(series.group(2), replica)) + " " + series.group(3);
                    byName.computeIfAbsent(series.group(1), _ -> new ArrayList<>())
                            .add(text);
                }
            }
        }
        return byName.values().stream().flatMap(List::stream).toList();
    }

    private static Map<String, String> labels(@Nullable String text, int replica) {
        var labels = new LinkedHashMap<String, String>();
        labels.put("model_name", "");
        labels.put("replica", Integer.toString(replica));
        var found = LABEL.matcher(text == null ? "" : text);
        while (found.find()) {
            if (!found.group(1).equals("engine")) {
                labels.put(found.group(1), found.group(2));
            }
        }
        return labels;
    }

    private static String braces(Map<String, String> labels) {
        return labels.entrySet().stream()
                .map(label -> label.getKey() + "=\"" + label.getValue() + "\"")
                .collect(Collectors.joining(",", "{", "}"));
    }

    static String escaped(String value) {
        return value.replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", "\\n");
    }
}
