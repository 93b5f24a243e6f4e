package bestfit.node;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** Texts of vLLM 0.23.0 on an H200 and of 0.32.0, shortened. */
class KvTokensTest {
    private static final String WITHOUT =
            "vllm:cache_config_info{block_size=\"16\",engine=\"0\",num_gpu_blocks=\"51040\"} 1.0";
    private static final String WITH =
            "vllm:cache_config_info{block_size=\"128\",engine=\"0\",kv_cache_size_tokens=\"2097152\"} 1.0";
    private static final List<String> LOG = List.of(
            "(EngineCore pid=3526) INFO 11-29 14:37:15 [gpu_worker.py:480] Available KV cache memory: 112.15 GiB",
            "(EngineCore pid=3526) INFO 11-29 14:37:15 [kv_cache_utils.py:1744] GPU KV cache size: 816,640 tokens");

    @Test
    void theLogTells_whereTheMetricsHaveNoSuchLabel() {
        assertThat(KvTokens.of(Optional.of(WITHOUT), LOG)).contains(816_640L);
        assertThat(KvTokens.of(Optional.empty(), LOG)).contains(816_640L);
        assertThat(
                        KvTokens.of(
                                Optional.empty(),
                                List.of(
                                        "INFO [kv_cache_utils.py:2327] CPU KV cache size: 2,097,152 tokens, Maximum concurrency for")))
                .contains(2_097_152L);
    }

    @Test
    void theLabelGoesFirst_andNothingIsGuessed() {
        assertThat(KvTokens.of(Optional.of(WITH), LOG)).contains(2_097_152L);
        assertThat(KvTokens.of(Optional.of(WITHOUT), List.of())).isEmpty();
    }
}
