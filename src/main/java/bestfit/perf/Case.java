package bestfit.perf;

import bestfit.args.VllmArgs;
import bestfit.config.ConfigException;
import bestfit.config.Problems;
import bestfit.hardware.GpuSpec;
import bestfit.hardware.Interconnect;
import bestfit.hardware.ServerSpec;
import bestfit.model.KnownModels;
import bestfit.model.ModelCard;
import bestfit.model.WeightFormat;
import bestfit.perf.Load.Lengths;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;

/** One row of a table of measurements: a deployment and its load. */
public record Case(Instance instance, int instances, Load load, boolean vllm) {
    private static final Pattern ARGS = Pattern.compile("^(?:extra args: )?(--[^;]*)");
    private static final Pattern SEQUENCES = Pattern.compile("max_num_seqs=(\\d+) per replica");

    /**
     * Mean lengths where a table says no more than ShareGPT and answers end by themselves: in akamaslabs' runs 64, 128 and 256
     * requests beyond the 256 that run at once wait 4.9, 9.8 and 19.5 s, so 13.05 requests end a second, of 4,490 tokens a
     * second together; prompts sum to 0.252 of that.
     */
    private static final double SHAREGPT_INPUT = 87;

    private static final double SHAREGPT_OUTPUT = 344;

    /**
     * Conversations differ; sweeps that name no number of requests draw lengths of 80 to 100 % of the nominal ones
     * (InferenceX), others send one length.
     */
    private static Lengths lengths(Map<String, String> row) {
        if ((row.getOrDefault("input_len", "") + row.getOrDefault("notes", "")).contains("ShareGPT")) {
            return Lengths.CONVERSATIONS;
        }
        return row.getOrDefault("num_requests", "").isEmpty() ? Lengths.NOMINAL : Lengths.FIXED;
    }

    /** @throws ConfigException with everything in the row that cannot be used */
    public static Case of(Map<String, String> row) {
        var problems = new Problems();
        double in = length(row, "input_len", SHAREGPT_INPUT, problems);
        double out = length(row, "output_len", SHAREGPT_OUTPUT, problems);
        int tp = count(row, "tp", problems);
        int pp = count(row, "pp", problems);
        int copies = count(row, "dp", problems);
        int groups = count(row, "ep", problems);
        double users = number(row, "concurrency", 0, problems);
        double rate = number(row, "request_rate", 0, problems);
        if (users <= 0 && rate <= 0) {
            problems.add("concurrency and request_rate are both empty; one is needed");
        }
        var known = problems.of(() -> KnownModels.find(row.getOrDefault("model", "")));
        var there = problems.of(() -> ServerSpec.parse(row.getOrDefault("gpu", "")));
        problems.throwIfAny();
        var card = known.orElseThrow().card();
        var server = there.orElseThrow();
        boolean vllm = row.getOrDefault("engine", "vllm").startsWith("vllm");
        // TensorRT-LLM counts the TP of experts; its attention is cut over all of their GPUs.
        int cut = vllm ? tp : tp * groups;
        boolean shares = vllm && card.experts() != null && copies > 1 && !independent(row);
        var args = args(row, cut, pp, vllm && groups > 1, shares ? copies : 1);
        int replicas = Math.max(1, copies / args.dataParallel());
        var told = row.getOrDefault("engine_version", "");
        var version = vllm ? EngineVersion.ofRow(told, row.getOrDefault("notes", "")) : EngineVersion.OTHER_ENGINE;
        int needed = (int) Math.min(card.maxPositions(), Math.ceil((in + out) * 1.1) + 64);
        var all = args.has("--max-model-len") ? args : args.plus("--max-model-len", Integer.toString(needed));
        var settings = EngineSettings.of(withFormat(card, row), server.gpu(), version, all);
        check(card.heads(), card.layers(), cut, pp, in + out, settings.maxModelLen(), problems);
        problems.throwIfAny();
        var link = link(row.getOrDefault("interconnect", ""), server);
        double requests = number(row, "num_requests", users * 10, problems);
        return new Case(
                new Instance(
                        card,
                        vllm ? settings : settings.spread(groups),
                        shared(server.gpu(), cut * pp * copies, count(row, "gpu_count", problems)),
                        link,
                        cut,
                        pp),
                replicas * args.dataParallel(),
                new Load(in, out, users, rate, requests, lengths(row), 0, false),
                vllm);
    }

    /** More instances than GPUs share them in equal parts (MIG). */
    private static GpuSpec shared(GpuSpec gpu, int needed, int there) {
        return there < needed && needed % there == 0 && there >= 1 ? gpu.part(needed / there) : gpu;
    }

    private static void check(int heads, int layers, int tp, int pp, double length, int longest, Problems problems) {
        if (heads % tp != 0) {
            int near = tp;
            while (heads % near != 0) {
                near--;
            }
            problems.add("tp is " + tp + ", which does not divide the model's " + heads
                    + " heads; the nearest that does is " + near);
        }
        if (pp > layers) {
            problems.add("pp is " + pp + "; the model has " + layers + " layers");
        }
        if (length > longest) {
            problems.add(String.format(
                    Locale.ROOT, "input_len + output_len is %.0f; --max-model-len is %d", length, longest));
        }
    }

    private static ModelCard withFormat(ModelCard card, Map<String, String> row) {
        var quant = row.getOrDefault("quant", "");
        if (quant.isEmpty()) {
            return card;
        }
        var format = WeightFormat.parse(quant)
                .orElseThrow(
                        () -> new ConfigException("quant is " + quant + "; known are bf16, fp8, awq-int4, fp4, nvfp4"));
        boolean stays = card.format() == WeightFormat.FP8_BLOCK && format == WeightFormat.FP8;
        return stays || format == card.format() ? card : card.with(format);
    }

    /** Copies that share nothing, as a note says, against ranks of one engine's data parallelism. */
    private static boolean independent(Map<String, String> row) {
        var notes = row.getOrDefault("notes", "");
        return (notes.contains("independent") || notes.contains("replica")) && !notes.contains("--data-parallel-size");
    }

    private static VllmArgs args(Map<String, String> row, int tp, int pp, boolean spread, int ranks) {
        var notes = row.getOrDefault("notes", "");
        var found = ARGS.matcher(notes);
        var args = new VllmArgs(found.find() ? List.of(found.group(1).strip().split("\\s+")) : List.of());
        var sequences = SEQUENCES.matcher(notes);
        if (sequences.find()) {
            args = args.plus("--max-num-seqs", sequences.group(1));
        }
        if (spread && !args.has("--enable-expert-parallel")) {
            args = args.plus("--enable-expert-parallel");
        }
        if (ranks > 1 && !args.has("--data-parallel-size")) {
            args = args.plus("--data-parallel-size", Integer.toString(ranks));
        }
        return args.plus(
                "--tensor-parallel-size", Integer.toString(tp), "--pipeline-parallel-size", Integer.toString(pp));
    }

    private static Interconnect link(String text, ServerSpec server) {
        boolean nvlink = text.toUpperCase(Locale.ROOT).contains("NVLINK");
        var usual = server.link();
        if (text.isEmpty() || nvlink == usual.nvlink() || nvlink || server.count() == 1) {
            return usual;
        }
        return new Interconnect(Interconnect.Kind.PCIE4, 32e9, true);
    }

    private static double length(Map<String, String> row, String column, double shareGpt, Problems problems) {
        if (row.getOrDefault(column, "").equalsIgnoreCase("sharegpt")) {
            return shareGpt;
        }
        double value = number(row, column, 0, problems);
        if (value <= 0) {
            problems.add(
                    column + " is \"" + row.getOrDefault(column, "") + "\"; it must be a number above 0 or ShareGPT");
        }
        return value;
    }

    private static int count(Map<String, String> row, String column, Problems problems) {
        double value = number(row, column, 1, problems);
        if (value < 1 || value != Math.rint(value)) {
            problems.add(column + " is " + row.get(column) + "; it must be a whole number of at least 1");
            return 1;
        }
        return (int) value;
    }

    private static double number(Map<String, String> row, String column, double missing, Problems problems) {
        var text = row.getOrDefault(column, "").strip();
        if (text.isEmpty()) {
            return missing;
        }
        try {
            return Double.parseDouble(text);
        } catch (NumberFormatException e) {
            problems.add(column + " is \"" + text + "\"; it must be a number");
            return missing;
        }
    }
}
