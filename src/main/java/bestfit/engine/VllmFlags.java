package bestfit.engine;

import bestfit.args.ArgCatalogue;
import bestfit.args.ArgSpec;
import bestfit.args.ArgSpec.EngineUse;
import bestfit.args.ArgSpec.Presence;
import bestfit.args.ArgSpec.Takes;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;

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

    /** What simulated GPUs take with any value. */
    static final Set<String> ANY_SIMULATED = Set.of("--cpu-offload-gb");

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

    /** Fields of a compilation config, in 0.32 and 0.33. */
    static final List<String> COMPILATION =
            words("mode debug_dump_path cache_dir compile_cache_save_format backend custom_ops"
                    + " ir_enable_torch_wrap splitting_ops compile_mm_encoder cudagraph_mm_encoder"
                    + " encoder_cudagraph_token_budgets encoder_cudagraph_max_vision_items_per_batch"
                    + " encoder_cudagraph_max_frames_per_batch cudagraph_decoder_replay"
                    + " decoder_replay_cudagraph_capture_sizes decoder_replay_trim_threshold compile_sizes"
                    + " compile_ranges_endpoints inductor_compile_config inductor_passes cudagraph_mode"
                    + " cudagraph_num_of_warmups cudagraph_capture_sizes cudagraph_copy_inputs"
                    + " cudagraph_specialize_lora use_inductor_graph_partition pass_config"
                    + " max_cudagraph_capture_size dynamic_shapes_config local_cache_dir fast_moe_cold_start"
                    + " enabled_custom_ops disabled_custom_ops traced_files compilation_time"
                    + " encoder_compilation_time static_forward_context static_all_moe_layers");

    /** Attention backends of 0.32 and 0.33. */
    static final List<String> ATTENTION =
            words("FLASH_ATTN FLASH_ATTN_DIFFKV TRITON_ATTN TRITON_ATTN_DIFFKV TRITON_FLASH_ATTN"
                    + " ROCM_ATTN ROCM_SEGMENTED_ATTN ROCM_AITER_MLA ROCM_AITER_TRITON_MLA ROCM_AITER_FA"
                    + " ROCM_AITER_MLA_SPARSE XPU_MLA_SPARSE TORCH_SDPA FLASHINFER TRITON_FLASHINFER"
                    + " FLASHINFER_MLA TOKENSPEED_MLA FLASHINFER_MLA_SPARSE FLASHINFER_MLA_SPARSE_SM120"
                    + " FLASHINFER_MLA_SPARSE_SM90 TRITON_MLA CUTLASS_MLA FLASHMLA FLASHMLA_SPARSE"
                    + " FLASHMLA_SPARSE_DSV4 FLASHINFER_MLA_SPARSE_DSV4 ROCM_FLASHMLA_SPARSE_DSV4"
                    + " FLASHMLA_SPARSE_DSV41 FLASHINFER_MLA_SPARSE_DSV41 ROCM_FLASHMLA_SPARSE_DSV41"
                    + " FLASHMLA_MEGA_ATTN_DSV41 B12X FLASH_ATTN_MLA FLASH_ATTN_MLA_SPARSE"
                    + " FLASH_ATTN_MLA_SPARSE_FA4 MINIMAX_M3_SPARSE CUTLASS_MSA TRITON_MSA STEP5_DSA"
                    + " NO_ATTENTION FLEX_ATTENTION HPC_ATTN ROCM_AITER_UNIFIED_ATTN CPU_ATTN CPU_MLA AMX_MLA"
                    + " TURBOQUANT ROCM_OCTAVE ULTRAQUANT CUSTOM");

    /** Reasoning parsers of 0.32 and 0.33. */
    static final List<String> REASONING =
            words("beam cohere_command3 cohere_command4 deepseek_r1 deepseek_v3 deepseek_v4 deepseek_v41"
                    + " ernie45 gemma4 glm45 glm47 granite granite_thinking_parser hf holo2 hunyuan_a13b"
                    + " hy_v3 hy_v4 inkling k2_horizon kimi_k2 kimi_k3 ling3 mimo minicpmv minimax_m2"
                    + " minimax_m2_append_think minimax_m3 mistral muse muse_glimmer musespark1x nemotron_v3"
                    + " olmo3 openai_gptoss plamo3 poolside_v1 qwen3 seed_oss step3 step3p5 step5");

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

    static void checkCompilation(JsonNode config) throws ArgumentError {
        if (!config.isObject()) {
            throw new ArgumentError("argument --compilation-config: 1 validation error for CompilationConfig: Input"
                    + " should be a dictionary [type=dataclass_type, input_value=" + config + "]");
        }
        for (var name : config.propertyNames()) {
            if (!COMPILATION.contains(name)) {
                throw new ArgumentError("argument --compilation-config: 1 validation error for CompilationConfig: "
                        + name + ": Unexpected keyword argument [type=unexpected_keyword_argument]");
            }
        }
    }

    /** Names that vLLM looks up when it makes its configs. */
    static void checkNames(String attentionBackend, String reasoningParser) throws ArgumentError {
        var backend = attentionBackend.toUpperCase(Locale.ROOT);
        if (!backend.equals("AUTO") && !ATTENTION.contains(backend)) {
            throw ArgumentError.inConfig("ValueError: Unknown attention backend: '" + backend + "'. Valid options are: "
                    + String.join(", ", ATTENTION));
        }
        if (!reasoningParser.isEmpty() && !REASONING.contains(reasoningParser)) {
            throw ArgumentError.inConfig("KeyError: \"Reasoning parser '" + reasoningParser
                    + "' not found. Available parsers: " + String.join(", ", REASONING) + "\"");
        }
    }
}
