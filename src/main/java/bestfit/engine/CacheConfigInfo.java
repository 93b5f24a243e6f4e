package bestfit.engine;

import java.util.Map;

/** The labels of {@code vllm:cache_config_info}, which tell the KV space without a look at the log. */
final class CacheConfigInfo {
    private static final Map<String, String> UNUSED = MetricsText.labels(
            "cache_hit_alignment_tokens", "None",
            "enable_mamba_shared_prefix_checkpoint", "False",
            "hash_block_size", "None",
            "is_attention_free", "False",
            "kv_cache_dtype_skip_layers", "[]",
            "kv_cache_layout", "None",
            "kv_offloading_backend", "native",
            "kv_offloading_size", "None",
            "kv_sharing_fast_prefill", "False",
            "mamba_block_size", "None",
            "mamba_cache_dtype", "auto",
            "mamba_cache_mode", "none",
            "mamba_page_size_padded", "None",
            "mamba_ssm_cache_dtype", "auto",
            "num_cpu_blocks", "None",
            "prefix_cache_retention_interval", "0",
            "prefix_caching_hash_algo", "sha256",
            "prefix_match_unit", "None",
            "replayssm_buffer_len", "16",
            "skip_page_size_padded", "None",
            "sliding_window", "None",
            "swa_bounded_replay", "True",
            "use_kda_recoverssm", "False",
            "use_replayssm", "False");

    private CacheConfigInfo() {}

    /** vLLM's own labels; what this engine has not is as vLLM's defaults are. */
    static Map<String, String> of(EngineConfig config) {
        var args = config.args();
        var block = Integer.toString(args.blockSize());
        var info = MetricsText.labels(
                "engine",
                "0",
                "_block_size_resolved",
                "True",
                "block_size",
                block,
                "effective_attention_block_size",
                block,
                "cache_dtype",
                args.given().getOrDefault("kv_cache_dtype", "auto"),
                "enable_prefix_caching",
                python(args.prefixCaching()),
                "gpu_memory_utilization",
                Double.toString(args.memoryUtilization()),
                "kv_cache_max_concurrency",
                Double.toString((double) config.kvTokens() / config.maxModelLen()),
                "kv_cache_memory_bytes",
                args.kvCacheBytes().isPresent()
                        ? Long.toString(args.kvCacheBytes().getAsLong())
                        : "None",
                "kv_cache_size_tokens",
                Long.toString(config.kvTokens()),
                "num_gpu_blocks",
                Integer.toString(config.blocks()),
                "num_gpu_blocks_override",
                args.blocksOverride().isPresent()
                        ? Integer.toString(args.blocksOverride().getAsInt())
                        : "None",
                "user_specified_block_size",
                python(args.given().containsKey("block_size")));
        info.putAll(UNUSED);
        return info;
    }

    private static String python(boolean value) {
        return value ? "True" : "False";
    }
}
