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
            "--logprobs-mode", Set.of("raw_logprobs", "processed_logprobs"),
            "--runner", Set.of("auto", "generate"));

    /** What simulated GPUs take besides. */
    static final Map<String, Set<String>> ONLY_SIMULATED = Map.of(
            "--quantization", Set.of("fp8", "awq", "gptq", "awq_marlin", "gptq_marlin", "mxfp4", "modelopt_fp4"),
            "--kv-cache-dtype", Set.of("fp8", "fp8_e4m3", "fp8_e5m2", "bfloat16", "float16"));

    /** Minor release; those before had others. */
    static final int CHOICES_SINCE = 32;

    /** The choices of flags that mean nothing here, or not all of them, as 0.32's parser lists them. */
    static final Map<String, List<String>> CHOICES = Map.of(
            "--runner", words("auto draft generate pooling"),
            "--uvicorn-log-level", words("critical debug error info trace warning"),
            "--prefix-caching-hash-algo", words("sha256 sha256_cbor xxhash xxhash_cbor"),
            "--logprobs-mode", words("processed_logits processed_logprobs raw_logits raw_logprobs"),
            "--chat-template-content-format", words("auto openai string"),
            "--collect-detailed-traces", words("all model worker"),
            "--kv-cache-dtype",
                    words("auto bfloat16 float16 fp8 fp8_ds_mla fp8_e4m3 fp8_e5m2 fp8_inc fp8_per_token_head"
                            + " int4_per_token_head int8_per_token_head nvfp4 nvfp4_4over6 nvfp4_ds_mla"
                            + " turboquant_3bit_nc turboquant_4bit_nc turboquant_k3v4_nc turboquant_k8v4"
                            + " ultraquant_4bit"),
            "--moe-backend",
                    words("aiter aiter_mega_moe aiter_triton_mxfp4_bf16 auto b12x batched_triton cutlass deep_gemm"
                            + " deep_gemm_mega_moe emulation flashinfer_b12x flashinfer_cutedsl flashinfer_cutlass"
                            + " flashinfer_moe_ep_cutedsl flashinfer_moe_ep_mega_deep_gemm flashinfer_trtllm flydsl hpc"
                            + " humming marlin rdna3 triton triton_unfused"),
            "--all2all-backend",
                    words("allgather_reducescatter deepep_high_throughput deepep_low_latency deepep_v2"
                            + " flashinfer_all2allv flashinfer_nvlink_one_sided flashinfer_nvlink_two_sided moonep"
                            + " mori_high_throughput mori_low_latency naive nixl_ep pplx"));

    static final Set<String> INTEGERS = Set.of(
            "--max-parallel-loading-workers",
            "--max-log-len",
            "--api-server-count",
            "--cpu-distributed-timeout-seconds",
            "--distributed-timeout-seconds",
            "--max-cudagraph-capture-size",
            "--cudagraph-capture-sizes",
            "--data-parallel-size",
            "--decode-context-parallel-size");
    static final Set<String> FLOATS = Set.of("--mm-processor-cache-gb", "--cpu-offload-gb");
    static final Set<String> JSON =
            Set.of("--allowed-origins", "--allowed-methods", "--allowed-headers", "--speculative-config");
    static final List<String> EXECUTORS = words("ray mp uni external_launcher");

    private VllmFlags() {}

    private static List<String> words(String text) {
        return List.of(text.split(" ", -1));
    }

    private static boolean isAbsent(ArgSpec spec, String release) {
        return spec.presence(release) == Presence.ABSENT;
    }

    /** What {@code -O3} is short for. */
    static String optimization(String release) {
        var level = ArgCatalogue.find("--optimization-level").filter(spec -> !isAbsent(spec, release));
        return level.map(ArgSpec::flag).orElse("--compilation-config");
    }

    /** The flags of a release that begin so; none where it is one itself, or none at all. */
    static List<String> longerThan(String flag, String release) {
        if (!flag.startsWith("--")
                || flag.indexOf('.') >= 0
                || takes(flag, release).isPresent()
                || ArgCatalogue.find(flag)
                        .filter(spec -> !isAbsent(spec, release))
                        .isPresent()) {
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

    /** How many tokens follow the flag; empty when a release does not know it. */
    static Optional<Takes> takes(String flag, String release) {
        if (flag.equals(GONKA)) {
            return Optional.of(Takes.SWITCH);
        }
        return OWN.contains(flag)
                ? Optional.of(Takes.ONE)
                : ArgCatalogue.find(flag)
                        .filter(spec -> spec.engineUse() != EngineUse.REFUSED && !isAbsent(spec, release))
                        .map(ArgSpec::takes);
    }
}
