package bestfit.perf;

import bestfit.args.VllmArgs;
import bestfit.config.ConfigException;
import bestfit.hardware.ServerSpec;
import bestfit.model.KnownModels;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Where a starting vLLM says that its memory goes: read from its log (the lines of {@code gpu_worker.py} and
 * {@code kv_cache_utils.py}, and V0's of {@code worker.py}), or from a table of starts. Pure.
 */
final class StartLog {
    static final List<String> COLUMNS = List.of(
            "model",
            "args",
            "engine_version",
            "weights_gib",
            "peak_activation_gib",
            "non_torch_gib",
            "kv_cache_tokens");

    private static final Pattern RELEASE =
            Pattern.compile("(?:LLM engine|server version|vLLM version) \\(?v?(0\\.\\d+\\.\\d+)");
    private static final Pattern ARGS = Pattern.compile("non-default args: \\{(.*)}");
    private static final Pattern ARG = Pattern.compile("'(\\w+)': (?:'([^']*)'|([\\w.]+))");
    private static final Pattern WEIGHTS =
            Pattern.compile("(?:weights memory: |model weights take |Model loading took )([\\d.]+) ?Gi?B");
    private static final Pattern ACTIVATION =
            Pattern.compile("(?:torch peak memory increase: |PyTorch activation peak memory takes )([\\d.]+) ?GiB");
    private static final Pattern NON_TORCH =
            Pattern.compile("(?:non-torch forward increase memory: |non_torch_memory takes )([\\d.]+) ?GiB");
    private static final Pattern TOKENS = Pattern.compile("GPU KV cache size: ([\\d,]+) tokens");
    private static final Pattern BLOCKS = Pattern.compile("# (?:GPU|cuda) blocks: (\\d+)");
    private static final Pattern CACHED = Pattern.compile("models--(.+?)--(.+?)/snapshots");
    private static final int BLOCK = 16;

    /** Args that decide where memory goes; others of the log's dictionary are plumbing. */
    private static final List<String> KEPT = List.of(
            "max_model_len",
            "max_num_batched_tokens",
            "max_num_seqs",
            "quantization",
            "kv_cache_dtype",
            "gpu_memory_utilization",
            "kv_cache_memory_bytes",
            "num_gpu_blocks_override",
            "block_size",
            "enforce_eager",
            "cpu_offload_gb",
            "enable_expert_parallel",
            "tensor_parallel_size",
            "pipeline_parallel_size");

    private StartLog() {}

    /** One start, of the fullest worker where several report. */
    record Start(Instance on, Map<String, Double> figures) {}

    static boolean is(String text) {
        return TOKENS.matcher(text).find() || BLOCKS.matcher(text).find();
    }

    /**
     * Lines with {@link #COLUMNS} of the starts in a log.
     *
     * @param model in place of the log's, which may be a path that is not here; empty to take the log's
     * @param release where the log does not name its own
     * @throws ConfigException for a log without the model's name
     */
    static List<String> lines(String where, String log, String model, EngineVersion release) {
        var lines = new ArrayList<String>();
        var row = new LinkedHashMap<String, String>();
        for (var line : (Iterable<String>) log.lines()::iterator) {
            var args = ARGS.matcher(line);
            if (args.find()) {
                row.clear();
                readArgs(args.group(1), model, row);
            }
            var version = RELEASE.matcher(line);
            if (version.find()) {
                row.put("engine_version", version.group(1));
            }
            largest(WEIGHTS.matcher(line), "weights_gib", row);
            largest(ACTIVATION.matcher(line), "peak_activation_gib", row);
            largest(NON_TORCH.matcher(line), "non_torch_gib", row);
            long tokens = tokens(line);
            if (tokens > 0) {
                if (!row.containsKey("model")) {
                    throw new ConfigException(
                            where
                                    + ": no line \"non-default args\" with the model before its KV cache size; give the log from its start");
                }
                row.putIfAbsent("engine_version", release.number());
                row.put("kv_cache_tokens", Long.toString(tokens));
                lines.add(Csv.write(
                        COLUMNS.stream().map(name -> row.getOrDefault(name, "")).toList()));
            }
        }
        return lines.stream().distinct().toList();
    }

    private static long tokens(String line) {
        var tokens = TOKENS.matcher(line);
        if (tokens.find()) {
            return Long.parseLong(tokens.group(1).replace(",", ""));
        }
        var blocks = BLOCKS.matcher(line);
        return blocks.find() ? BLOCK * Long.parseLong(blocks.group(1)) : 0;
    }

    private static void largest(Matcher found, String name, Map<String, String> row) {
        if (found.find()) {
            double before = Double.parseDouble(row.getOrDefault(name, "0"));
            row.put(name, Double.toString(Math.max(before, Double.parseDouble(found.group(1)))));
        }
    }

    /** Python's dictionary as vLLM prints it, into the args that decide the memory. */
    private static void readArgs(String dictionary, String model, Map<String, String> row) {
        var args = new ArrayList<String>();
        var found = ARG.matcher(dictionary);
        while (found.find()) {
            var name = found.group(1);
            var value = found.group(2) == null ? found.group(3) : found.group(2);
            if (name.equals("model")) {
                row.put(
                        "model",
                        KnownModels.find(model.isEmpty() ? bundled(value) : model)
                                .card()
                                .name());
            } else if (KEPT.contains(name) && !value.equals("False") && !value.equals("None")) {
                args.add("--" + name.replace('_', '-'));
                if (!value.equals("True")) {
                    args.add(value);
                }
            }
        }
        row.put("args", String.join(" ", args));
    }

    /** A folder elsewhere is named as its model is: its last part, or the hub's cache, models--ORG--NAME/snapshots/HASH. */
    private static String bundled(String model) {
        if (Files.isDirectory(Path.of(model))) {
            return model;
        }
        var cached = CACHED.matcher(model);
        if (cached.find()) {
            return cached.group(1) + "/" + cached.group(2);
        }
        return model.startsWith("/") || model.startsWith("<") ? model.substring(model.lastIndexOf('/') + 1) : model;
    }

    /** @throws ConfigException for a row that cannot be used */
    static Start start(Map<String, String> row, ServerSpec server) {
        var figures = new LinkedHashMap<String, Double>();
        for (var name : COLUMNS.subList(3, COLUMNS.size())) {
            var cell = row.getOrDefault(name, "");
            if (!cell.isEmpty()) {
                figures.put(name, Double.parseDouble(cell));
            }
        }
        return new Start(instance(row, server), figures);
    }

    /** By the columns model, args and engine_version. */
    static Instance instance(Map<String, String> row, ServerSpec server) {
        var card = KnownModels.find(row.getOrDefault("model", "")).card();
        var text = row.getOrDefault("args", "").strip();
        var args = new VllmArgs(text.isEmpty() ? List.of() : List.of(text.split("\\s+")));
        var version = EngineVersion.of(row.getOrDefault("engine_version", ""));
        var settings = EngineSettings.of(card, server.gpu(), version, args);
        return new Instance(
                card, settings, server.gpu(), server.link(), args.tensorParallel(), args.pipelineParallel());
    }

    /** What the model says of the same figures. */
    static Map<String, Double> predicted(Instance on, Constants constants) {
        double gib = 1L << 30;
        var memory = MemoryModel.of(on, constants);
        return Map.of(
                "weights_gib", memory.weights() / gib,
                "peak_activation_gib", memory.activation() / gib,
                "non_torch_gib", memory.nonTorch() / gib,
                "kv_cache_tokens", memory.kvTokens().value());
    }
}
