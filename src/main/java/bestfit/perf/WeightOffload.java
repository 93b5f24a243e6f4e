package bestfit.perf;

import bestfit.args.ArgCatalogue;
import bestfit.args.ArgSpec.Presence;
import bestfit.args.VllmArgs;
import bestfit.config.Problems;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * Which weights args leave in host memory (vLLM's config/offload.py). {@code --cpu-offload-gb} takes whole parameters of the
 * decoder layers, from the first on, until so much is reached: embedding and output matrix stay, and the last parameter taken may
 * go beyond. The prefetch backend, which has precedence unless another is named, takes the last layers of each group.
 *
 * @param bytes of each GPU to be reached; 0 with the prefetch backend, and where nothing is offloaded
 * @param names segments of the names of the parameters that may be; empty: all
 * @param group layers of a group under the prefetch backend; else 0
 * @param inGroup layers of each group that are offloaded
 * @param ahead layers that are fetched ahead, each into a buffer of its own on the GPU
 */
public record WeightOffload(double bytes, List<String> names, int group, int inGroup, int ahead) {
    static final WeightOffload NONE = new WeightOffload(0, List.of(), 0, 0, 0);

    private static final String SPACE = "--cpu-offload-gb";
    private static final String BACKEND = "--offload-backend";
    private static final String GROUP = "--offload-group-size";
    private static final List<String> BACKENDS = List.of("auto", "uva", "prefetch");
    private static final List<String> FLAGS = List.of(
            SPACE,
            "--cpu-offload-params",
            BACKEND,
            GROUP,
            "--offload-num-in-group",
            "--offload-prefetch-step",
            "--offload-params");
    private static final Pattern NUMBER = Pattern.compile("[+-]?(\\d+\\.?\\d*|\\.\\d+)([eE][+-]?\\d{1,3})?");
    private static final double GIB = 1L << 30;

    public WeightOffload {
        names = List.copyOf(names);
    }

    /** Adds what vLLM would refuse. */
    public static WeightOffload of(VllmArgs args, EngineVersion version, Problems problems) {
        for (var flag : FLAGS) {
            if (args.has(flag)) {
                tooNew(flag, version).ifPresent(problems::add);
            }
        }
        double gib = gib(args, problems);
        var backend = args.value(BACKEND).orElse("auto");
        if (!BACKENDS.contains(backend)) {
            problems.add(BACKEND + " " + backend + " is not known; known are " + String.join(", ", BACKENDS));
        }
        int group = count(args, GROUP, 0, 0, problems);
        int inGroup = count(args, "--offload-num-in-group", 1, 1, problems);
        int ahead = count(args, "--offload-prefetch-step", 1, 0, problems);
        boolean prefetch = backend.equals("prefetch") || (backend.equals("auto") && group > 0);
        if (!prefetch) {
            return new WeightOffload(gib * GIB, many(args, "--cpu-offload-params"), 0, 0, 0);
        }
        if (inGroup > group) {
            problems.add("--offload-num-in-group " + inGroup + " must be at most " + GROUP + ", which is " + group);
        }
        if (ahead < 1) {
            problems.add("--offload-prefetch-step " + ahead + " must be at least 1 where layers are prefetched");
        }
        return new WeightOffload(0, many(args, "--offload-params"), group, inGroup, ahead);
    }

    private static double gib(VllmArgs args, Problems problems) {
        var text = args.value(SPACE).orElse(args.has(SPACE) ? "without a value" : "0");
        double gib = NUMBER.matcher(text).matches() ? Double.parseDouble(text) : -1;
        if (gib >= 0 && gib < Double.POSITIVE_INFINITY) {
            return gib;
        }
        problems.add(SPACE + " " + text + " must be a number of GiB of at least 0; 0 offloads nothing");
        return 0;
    }

    private static int count(VllmArgs args, String flag, int absent, int least, Problems problems) {
        var text = args.value(flag);
        var number = args.intValue(flag);
        if (text.isPresent() && (number.isEmpty() || number.getAsInt() < least)) {
            problems.add(flag + " " + text.get() + " must be a whole number of at least " + least);
        }
        return number.orElse(absent);
    }

    private static List<String> many(VllmArgs args, String flag) {
        return args.given().stream()
                .filter(each -> each.flag().equals(flag))
                .reduce((first, second) -> second)
                .map(VllmArgs.Given::values)
                .orElse(List.of());
    }

    private static Optional<String> tooNew(String flag, EngineVersion version) {
        return ArgCatalogue.find(flag)
                .filter(spec -> version.vllm() && spec.presence(version.number()) == Presence.ABSENT)
                .map(spec -> flag + " is not there in vLLM " + version.number() + "; known since " + spec.since()
                        + ". Leave it out, or plan for a release that has it");
    }

    /** Bytes that a GPU with so many of weights may be spared, whatever they are made of. */
    public long atMost(long weights) {
        return prefetches() ? weights * inGroup / group : Math.min(weights, (long) bytes);
    }

    boolean none() {
        return bytes == 0 && group == 0;
    }

    boolean prefetches() {
        return group > 0;
    }
}
