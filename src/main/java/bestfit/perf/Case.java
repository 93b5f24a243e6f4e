package bestfit.perf;

import bestfit.args.VllmArgs;
import bestfit.config.ConfigException;
import bestfit.config.Problems;
import bestfit.hardware.Interconnect;
import bestfit.hardware.ServerSpec;
import bestfit.model.KnownModels;
import bestfit.model.ModelCard;
import bestfit.model.WeightFormat;
import bestfit.perf.Load.Lengths;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;

/** One row of a table of measurements: a deployment and its load. */
public record Case(Instance instance, int instances, Load load, boolean vllm) {
    private static final Pattern GENERATION = Pattern.compile("(?:PCIE?|GEN)[ -]*(?:GEN)?[ -]*([345])");

    /** How nvidia-smi topo -m calls ways over PCIe. */
    private static final Pattern OVER_PCIE = Pattern.compile("\\b(?:PIX|PXB|PHB|NODE|SYS)\\b");

    /** NVLink bridges of cards, bytes a second and direction: RTX 3090, A6000, A40 56 GB/s. */
    private static final double BRIDGE = 56e9;

    private static final int MOST_USERS = 200_000;

    /** A quantisation that a table leaves open: the checkpoint's own. */
    private static final Set<String> UNTOLD = Set.of("", "none", "no", "-", "n/a", "na", "nan", "default", "unknown");

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
        if (RowNotes.of(row).varied()) {
            return Lengths.VARIED;
        }
        return row.getOrDefault("num_requests", "").isEmpty() ? Lengths.NOMINAL : Lengths.FIXED;
    }

    /** @throws ConfigException with everything in the row that cannot be used */
    public static Case of(Map<String, String> row) {
        var problems = new Problems();
        var numbers = new RowNumbers(row, problems);
        var notes = RowNotes.of(row);
        var load = load(row, numbers, notes);
        var cut = Cut.of(numbers, notes.args());
        var known =
                problems.of(() -> KnownModels.find(row.getOrDefault("model", "").strip()));
        var there =
                problems.of(() -> ServerSpec.parse(row.getOrDefault("gpu", "").strip()));
        problems.throwIfAny();
        return of(row, notes, load, cut, known.orElseThrow().card(), there.orElseThrow());
    }

    private static Load load(Map<String, String> row, RowNumbers numbers, RowNotes notes) {
        double in = numbers.length("input_len", SHAREGPT_INPUT);
        double out = numbers.length("output_len", SHAREGPT_OUTPUT);
        double users = numbers.number("concurrency", 0);
        double rate = numbers.number("request_rate", 0);
        double requests = numbers.number("num_requests", 0);
        if (users <= 0 && Double.isInfinite(rate)) {
            // All at once.
            users = requests;
        }
        rate = Double.isInfinite(rate) ? 0 : rate;
        if (users <= 0 && rate <= 0) {
            numbers.problems().add("concurrency and request_rate are both empty; one is needed");
        }
        if (users > MOST_USERS) {
            numbers.problems()
                    .add(String.format(
                            Locale.ROOT, "%.0f requests at once; at most %d are planned for", users, MOST_USERS));
        }
        double sent = requests > 0 ? requests : users * 10;
        return new Load(in, out, users, rate, sent, lengths(row), 0, false, notes.sharedPrefix());
    }

    /** How a row says that the model is cut over the GPUs. */
    private record Cut(int tp, int pp, int copies, int groups, int gpus) {
        static Cut of(RowNumbers numbers, VllmArgs told) {
            int tp = numbers.count("tp", told.tensorParallel());
            int pp = numbers.count("pp", told.pipelineParallel());
            int copies = numbers.groups("dp");
            return new Cut(tp, pp, copies, numbers.groups("ep"), numbers.count("gpu_count", tp * pp * copies));
        }

        /** Instances may share GPUs (MIG), but one instance's ranks have one each. */
        Optional<String> tooFew() {
            long each = (long) tp * pp;
            if (each > gpus) {
                return Optional.of("tp × pp is " + each + "; gpu_count is " + gpus + ", which are too few");
            }
            long all = each * copies;
            return copiesInside() || all <= gpus || all % gpus == 0
                    ? Optional.empty()
                    : Optional.of("tp × pp × dp is " + all + "; gpu_count is " + gpus
                            + ", over which they cannot be spread evenly");
        }

        /** Ranks of attention inside the GPUs that TP counts. */
        private boolean copiesInside() {
            return tp * pp == gpus && tp % copies == 0;
        }

        /** TensorRT-LLM counts the TP of experts; its attention is cut over all of their GPUs. */
        int heads(boolean vllm, boolean shares) {
            int each = shares && copiesInside() ? tp / copies : tp;
            return vllm ? each : each * groups;
        }
    }

    private static Case of(
            Map<String, String> row, RowNotes notes, Load load, Cut cut, ModelCard card, ServerSpec server) {
        var gpu = server.gpu();
        boolean vllm =
                row.getOrDefault("engine", "vllm").toLowerCase(Locale.ROOT).matches(".*vllm.*|\\s*");
        boolean shares = vllm && card.experts() != null && cut.copies() > 1 && !notes.independent();
        int tp = cut.heads(vllm, shares);
        var args = args(notes.args(), tp, cut.pp(), vllm && cut.groups() > 1, shares ? cut.copies() : 1);
        double length = load.inputTokens() + load.outputTokens();
        int needed = (int) Math.min(card.maxPositions(), Math.ceil(length * 1.1) + 64);
        var all = args.has("--max-model-len") ? args : args.plus("--max-model-len", Integer.toString(needed));
        var settings = EngineSettings.of(withFormat(card, row), gpu, version(row, notes, vllm), all);
        check(card, cut, tp, length, settings.maxModelLen());
        int parts = Math.max(notes.parts(gpu), shared(tp * cut.pp() * cut.copies(), cut.gpus()));
        var on = new Instance(
                card,
                vllm ? settings : settings.spread(cut.groups()),
                gpu.part(parts),
                link(row.getOrDefault("interconnect", ""), server, cut.gpus()),
                tp,
                cut.pp());
        return new Case(on, Math.max(1, cut.copies() / args.dataParallel()) * args.dataParallel(), load, vllm);
    }

    private static EngineVersion version(Map<String, String> row, RowNotes notes, boolean vllm) {
        if (!vllm) {
            return EngineVersion.OTHER_ENGINE;
        }
        var release = EngineVersion.ofRow(row.getOrDefault("engine_version", ""), notes.text());
        return notes.v1()
                .map(v1 -> new EngineVersion(release.minor(), release.patch(), !v1))
                .orElse(release);
    }

    /** More instances than GPUs share them in equal parts (MIG). */
    private static int shared(int needed, int there) {
        return there < needed && needed % there == 0 ? needed / there : 1;
    }

    private static void check(ModelCard card, Cut cut, int tp, double length, int longest) {
        var problems = new Problems();
        int heads = card.heads();
        cut.tooFew().ifPresent(problems::add);
        if (heads % tp != 0) {
            int near = tp;
            while (heads % near != 0) {
                near--;
            }
            problems.add("tp is " + tp + ", which does not divide the model's " + heads
                    + " heads; the nearest that does is " + near);
        }
        if (cut.pp() > card.layers()) {
            problems.add("pp is " + cut.pp() + "; the model has " + card.layers() + " layers");
        }
        if (length > longest) {
            problems.add(String.format(
                    Locale.ROOT, "input_len + output_len is %.0f; --max-model-len is %d", length, longest));
        }
        problems.throwIfAny();
    }

    private static ModelCard withFormat(ModelCard card, Map<String, String> row) {
        var quant = row.getOrDefault("quant", "").strip();
        if (UNTOLD.contains(quant.toLowerCase(Locale.ROOT))) {
            return card;
        }
        var format = WeightFormat.ofWords(quant)
                .orElseThrow(() -> new ConfigException(
                        "quant is " + quant + "; known are bf16, fp8, int8, awq-int4, gptq, mxfp4, nvfp4, fp4"));
        // Four-bit floats are the checkpoint's own kind, or NVIDIA's.
        if (quant.equalsIgnoreCase("fp4") && card.format() != WeightFormat.MXFP4) {
            format = WeightFormat.NVFP4;
        }
        return card.format().kindOf(format) ? card : card.with(format);
    }

    private static VllmArgs args(VllmArgs told, int tp, int pp, boolean spread, int ranks) {
        var args = told;
        if (spread && !args.on("enable-expert-parallel", false)) {
            args = args.plus("--enable-expert-parallel");
        }
        if (ranks > 1 && !args.has("--data-parallel-size")) {
            args = args.plus("--data-parallel-size", Integer.toString(ranks));
        }
        return args.plus(
                "--tensor-parallel-size", Integer.toString(tp), "--pipeline-parallel-size", Integer.toString(pp));
    }

    /** What a table says of the links, where GPUs of its kind are linked otherwise too. */
    private static Interconnect link(String words, ServerSpec server, int gpus) {
        var text = words.toUpperCase(Locale.ROOT);
        var usual = server.link();
        if (gpus == 1 || text.isBlank()) {
            return usual;
        }
        if (text.contains("NVLINK") || text.contains("NVSWITCH") || text.contains("SXM")) {
            return usual.nvlink()
                    ? usual
                    : new Interconnect(Interconnect.Kind.NVLINK, BRIDGE, true, usual.hostBytesPerSecond());
        }
        var generation = GENERATION.matcher(text);
        boolean told = generation.find();
        boolean pcie = text.contains("PCI") || OVER_PCIE.matcher(text).find();
        if (!pcie || (!usual.nvlink() && !told)) {
            return usual;
        }
        var kind = told ? Interconnect.Kind.valueOf("PCIE" + generation.group(1)) : Interconnect.Kind.PCIE4;
        return Interconnect.pcie(kind, 16, usual.peerToPeer());
    }
}
