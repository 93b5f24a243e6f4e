package bestfit.perf;

import bestfit.args.VllmArgs;
import bestfit.hardware.GpuSpec;
import bestfit.model.WeightFormat;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * What the notes of a table's row say of its deployment. They are free text: what is not understood changes nothing.
 *
 * @param text as it stands
 */
record RowNotes(String text) {
    /** From the first flag to the next semicolon. */
    private static final Pattern ARGS = Pattern.compile("(?:^|(?<=[\\s:;\"'(`]))--[a-z][^;]*");

    /** {@code max_num_seqs=256 per replica}. */
    private static final Pattern SETTING = Pattern.compile(
            "\\b(max_num_seqs|max_num_batched_tokens|max_model_len|gpu_memory_utilization|kv_cache_dtype|cpu_offload_gb)"
                    + "\\s*=\\s*([\\w.]+)");

    /** Above 0 and at most 1. */
    private static final Pattern SHARE = Pattern.compile("0?\\.\\d*[1-9]\\d*|1(?:\\.0*)?");

    private static final Pattern GIB = Pattern.compile("\\d{1,9}(?:\\.\\d+)?");
    private static final Pattern SLICE = Pattern.compile("\\b\\d+g\\.(\\d+)gb\\b");
    private static final Pattern PREFIX = Pattern.compile("shared.?prefix\\D{0,12}(\\d{1,7})");
    private static final Pattern JITTER = Pattern.compile("jitter=(\\d{1,3}(?:\\.\\d+)?)");
    private static final Pattern ENGINE = Pattern.compile("VLLM_USE_V1\\s*=\\s*([01])");

    static RowNotes of(Map<String, String> row) {
        return new RowNotes(row.getOrDefault("notes", ""));
    }

    /** The args that the server ran with. */
    VllmArgs args() {
        var words = new ArrayList<String>();
        var found = ARGS.matcher(text);
        while (found.find()) {
            for (var word : found.group().strip().split("\\s+", -1)) {
                words.add(word.replaceAll("[,)`\"']+$", ""));
            }
        }
        var settings = SETTING.matcher(text);
        while (settings.find()) {
            words.addAll(List.of("--" + settings.group(1).replace('_', '-'), settings.group(2)));
        }
        return new VllmArgs(readable(words));
    }

    /** A format that vLLM would refuse is no arg but prose, or newer than what is known; the row's own column tells it. */
    private static List<String> readable(List<String> words) {
        var args = new ArrayList<String>();
        for (var given : new VllmArgs(words).given()) {
            var value = given.values().isEmpty() ? "" : given.values().getFirst();
            boolean kept = switch (given.flag()) {
                case "--quantization" -> WeightFormat.parse(value).isPresent() && !value.isEmpty();
                case "--gpu-memory-utilization" -> SHARE.matcher(value).matches();
                case "--cpu-offload-gb" -> GIB.matcher(value).matches();
                default -> true;
            };
            if (kept) {
                args.add(given.flag());
                args.addAll(given.values());
            }
        }
        return args;
    }

    /** Copies that share nothing, against ranks of one engine's data parallelism. */
    boolean independent() {
        return (text.contains("independent") || text.contains("replica")) && !text.contains("--data-parallel-size");
    }

    /** Parts of a GPU of which one was used ({@code mig_profile=1g.16gb}); 1 for all of it. */
    int parts(GpuSpec gpu) {
        var found = SLICE.matcher(text);
        double gib = gpu.memoryBytes() / (double) (1L << 30);
        return found.find() ? (int) Math.max(1, Math.rint(gib / Math.max(1, Double.parseDouble(found.group(1))))) : 1;
    }

    /** True where lengths were drawn from around the nominal ones ({@code jitter=0.50}). */
    boolean varied() {
        var found = JITTER.matcher(text);
        return found.find() && Double.parseDouble(found.group(1)) >= 0.25;
    }

    /** Tokens that all prompts share ({@code sharedprefix prefix=3584}); 0 where none are. */
    double sharedPrefix() {
        var found = PREFIX.matcher(text);
        return found.find() ? Double.parseDouble(found.group(1)) : 0;
    }

    /** True for the V1 engine, false for V0; empty where the release decides. */
    Optional<Boolean> v1() {
        var found = ENGINE.matcher(text);
        return found.find() ? Optional.of(found.group(1).equals("1")) : Optional.empty();
    }
}
