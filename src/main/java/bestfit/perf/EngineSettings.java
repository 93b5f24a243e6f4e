package bestfit.perf;

import bestfit.args.VllmArgs;
import bestfit.config.ConfigException;
import bestfit.config.Nearest;
import bestfit.config.Problems;
import bestfit.hardware.GpuSpec;
import bestfit.model.ModelCard;
import bestfit.model.WeightFormat;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * What vLLM runs with: its args, and its defaults where they say nothing ({@code arg_utils.get_batch_defaults}).
 *
 * @param kvBytes of one number of the KV cache
 * @param prefixCache full blocks of what was computed stay until their memory is needed
 * @param kvSpaceBytes of each GPU, where {@code --kv-cache-memory-bytes} tells them: then the utilization decides nothing
 * @param kvTokens of an instance, where {@code --num-gpu-blocks-override} tells them
 * @param dataParallel ranks that keep requests of their own and share the experts; 1 without
 * @param expertGroups groups of devices over which experts are spread whole; 1 where each is cut over all
 * @param offload which weights stay in host memory
 */
public record EngineSettings(
        EngineVersion version,
        WeightFormat format,
        double kvBytes,
        int maxModelLen,
        double utilization,
        OptionalLong kvSpaceBytes,
        OptionalLong kvTokens,
        int maxBatchedTokens,
        int maxSequences,
        boolean eager,
        boolean prefixCache,
        int dataParallel,
        int expertGroups,
        WeightOffload offload) {
    private static final long LARGE = 70L << 30;
    private static final List<String> QUANTIZATIONS =
            List.of("fp8", "awq", "awq_marlin", "gptq", "gptq_marlin", "mxfp4", "modelopt_fp4", "bitsandbytes");

    /** Counts that may be 0 for no engine. */
    private static final List<String> COUNTS = List.of(
            "--max-model-len",
            "--max-num-seqs",
            "--max-num-batched-tokens",
            "--kv-cache-memory-bytes",
            "--num-gpu-blocks-override",
            "--block-size");

    /** Tokens of a KV block. */
    private static final int USUAL_BLOCK = 16;

    /** Methods whose format the checkpoint tells. */
    private static final List<String> CHECKPOINTS =
            List.of("compressed-tensors", "modelopt", "auto-round", "quark", "moe_wna16");

    /** @throws ConfigException for a value that vLLM refuses */
    public static EngineSettings of(ModelCard card, GpuSpec gpu, EngineVersion release, VllmArgs args) {
        var problems = new Problems();
        var offload = WeightOffload.of(args, release, problems);
        var version = offload.none() ? release : release.offloading();
        var format = args.value("--quantization")
                .filter(text -> !CHECKPOINTS.contains(text))
                .map(text -> format(text, problems).orElse(card.format()))
                .orElse(inFull(card, args) ? WeightFormat.FLOAT32 : card.format());
        double utilization = utilization(args, version, problems);
        for (var flag : COUNTS) {
            args.value(flag)
                    .filter(text -> text.matches("-\\d+|0+"))
                    .ifPresent(text -> problems.add(flag + " " + text + " must be at least 1"));
        }
        problems.throwIfAny();
        // A checkpoint keeps its own kind of what the flag names.
        boolean same = card.format().kindOf(format);
        int longest = args.intValue("--max-model-len").orElse(card.maxPositions());
        int sequences = args.intValue("--max-num-seqs").orElse(defaultSequences(gpu, version));
        int tokens = args.intValue("--max-num-batched-tokens").orElse(defaultTokens(gpu, version, longest));
        return new EngineSettings(
                version.with(args),
                same ? card.format() : format,
                kvBytes(card, version, args, format),
                longest,
                utilization,
                args.longValue("--kv-cache-memory-bytes"),
                kvTokens(args),
                (int) Math.min(tokens, (long) sequences * longest),
                Math.min(sequences, tokens),
                args.has("--enforce-eager"),
                version.vllm() && args.on("enable-prefix-caching", !version.v0()),
                args.dataParallel(),
                args.on("enable-expert-parallel", false) ? args.tensorParallel() * args.dataParallel() : 1,
                offload);
    }

    /**
     * What the checkpoint asks for holds where no flag says otherwise since 0.14 (vLLM's pull requests 29980 and 30141, of December
     * 2025).
     */
    private static double kvBytes(ModelCard card, EngineVersion version, VllmArgs args, WeightFormat format) {
        var told = args.value("--kv-cache-dtype").filter(text -> !text.equals("auto"));
        boolean eight = told.map(text -> text.startsWith("fp8"))
                .orElse(card.eightBitCache() && version.vllm() && version.minor() >= 14);
        return eight ? 1 : format == WeightFormat.FLOAT32 ? 4 : 2;
    }

    private static OptionalLong kvTokens(VllmArgs args) {
        var blocks = args.longValue("--num-gpu-blocks-override");
        return blocks.isEmpty()
                ? blocks
                : OptionalLong.of(
                        blocks.getAsLong() * args.intValue("--block-size").orElse(USUAL_BLOCK));
    }

    /** True where a flag tells the room of the KV cache, whatever the memory. */
    boolean tellsKvSpace() {
        return kvSpaceBytes.isPresent() || kvTokens.isPresent();
    }

    /** {@code auto} loads checkpoints of 32 bits in 16. */
    private static boolean inFull(ModelCard card, VllmArgs args) {
        return card.format() == WeightFormat.HALF
                && args.value("--dtype")
                        .filter(text -> text.equals("float32") || text.equals("float"))
                        .isPresent();
    }

    /** The same with experts spread otherwise, as engines with an option for it do. */
    EngineSettings spread(int groups) {
        return new EngineSettings(
                version,
                format,
                kvBytes,
                maxModelLen,
                utilization,
                kvSpaceBytes,
                kvTokens,
                maxBatchedTokens,
                maxSequences,
                eager,
                prefixCache,
                dataParallel,
                groups,
                offload);
    }

    private static Optional<WeightFormat> format(String text, Problems problems) {
        var found = WeightFormat.parse(text);
        if (found.isEmpty()) {
            var nearest = Nearest.to(text, QUANTIZATIONS).map(each -> "; the nearest known is " + each);
            problems.add("--quantization " + text + " is not known" + nearest.orElse("") + "; known are "
                    + String.join(", ", QUANTIZATIONS) + ", " + String.join(", ", CHECKPOINTS));
        }
        return found;
    }

    private static double utilization(VllmArgs args, EngineVersion version, Problems problems) {
        var given = args.value("--gpu-memory-utilization");
        if (given.isEmpty()) {
            return usual(version);
        }
        try {
            double share = Double.parseDouble(given.get());
            if (share > 0 && share <= 1) {
                return share;
            }
        } catch (NumberFormatException e) {
            // refused below with every other value out of range
        }
        problems.add("--gpu-memory-utilization " + given.get() + " must be above 0 and at most 1; the default is "
                + usual(version));
        return usual(version);
    }

    private static double usual(EngineVersion version) {
        return version.minor() >= 22 ? 0.92 : 0.9;
    }

    private static boolean large(GpuSpec gpu) {
        return gpu.memoryBytes() >= LARGE && !gpu.name().startsWith("a100");
    }

    private static int defaultSequences(GpuSpec gpu, EngineVersion version) {
        return !version.v0() && (large(gpu) || version.minor() == 8) ? 1024 : 256;
    }

    private static int defaultTokens(GpuSpec gpu, EngineVersion version, int longest) {
        if (version.v0()) {
            return longest > 32768 ? 2048 : Math.max(longest, 2048);
        }
        return large(gpu) ? 8192 : 2048;
    }
}
