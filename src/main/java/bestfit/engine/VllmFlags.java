package bestfit.engine;

import bestfit.args.ArgCatalogue;
import bestfit.args.ArgSpec;
import bestfit.args.ArgSpec.EngineUse;
import bestfit.args.ArgSpec.Presence;
import bestfit.args.ArgSpec.Takes;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/**
 * The flags that the embedded engine takes: those of {@link ArgCatalogue} that it obeys or that have no meaning for it, and
 * its own. A flag that is not here is refused as argparse does.
 */
final class VllmFlags {
    private static final Set<String> OWN =
            Set.of("--fault", "--device-memory", "--devices", "--simulate", "--time-scale", "--engine-version");

    /** Answers as gonka's fork of vLLM does: tokens of logprobs as ids, processed logprobs. */
    private static final String GONKA = "--gonka";

    /** Flags whose feature the engine lacks: anything but these values is refused at start, never ignored. */
    static final Map<String, Set<String>> ONLY = Map.of(
            "--quantization", Set.of("none", "None"),
            "--speculative-config", Set.of(),
            "--kv-cache-dtype", Set.of("auto"),
            "--cpu-offload-gb", Set.of("0", "0.0"),
            "--data-parallel-size", Set.of("1"),
            "--decode-context-parallel-size", Set.of("1"),
            "--logprobs-mode", Set.of("raw_logprobs", "processed_logprobs"));

    /** What simulated GPUs take besides. */
    static final Map<String, Set<String>> ONLY_SIMULATED = Map.of(
            "--quantization", Set.of("fp8", "awq", "gptq", "awq_marlin", "gptq_marlin", "mxfp4", "modelopt_fp4"),
            "--kv-cache-dtype", Set.of("fp8", "fp8_e4m3", "fp8_e5m2", "bfloat16", "float16"));

    private VllmFlags() {}

    /** The flags of a release that begin so; none where it is one itself, or none at all. */
    static List<String> longerThan(String flag, String release) {
        if (!flag.startsWith("--")
                || flag.indexOf('.') >= 0
                || takes(flag).isPresent()
                || ArgCatalogue.find(flag).isPresent()) {
            return List.of();
        }
        var known = ArgCatalogue.all().stream()
                .filter(spec -> spec.presence(release) == Presence.THERE)
                .flatMap(spec -> spec.takes() == Takes.SWITCH
                        ? Stream.of(spec.flag(), "--no-" + spec.flag().substring(2))
                        : Stream.of(spec.flag()));
        return Stream.concat(known, OWN.stream().sorted())
                .filter(name -> name.startsWith(flag))
                .toList();
    }

    /** How many tokens follow the flag; empty when it is unknown. */
    static Optional<Takes> takes(String flag) {
        if (flag.equals(GONKA)) {
            return Optional.of(Takes.SWITCH);
        }
        return OWN.contains(flag)
                ? Optional.of(Takes.ONE)
                : ArgCatalogue.find(flag)
                        .filter(spec -> spec.engineUse() != EngineUse.REFUSED)
                        .map(ArgSpec::takes);
    }
}
