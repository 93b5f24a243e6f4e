package bestfit.node;

import static org.assertj.core.api.Assertions.assertThat;

import bestfit.node.HangDetector.Progress;
import org.junit.jupiter.api.Test;

class HangDetectorTest {
    private static final long SECOND = 1_000_000_000L;
    private final HangDetector detector = new HangDetector(120 * SECOND);

    @Test
    void silenceWithRequests_beyondTheGrace_isAHang_untilATokenComes() {
        assertThat(detector.hung(0, new Progress(10, 1))).isFalse();
        assertThat(detector.hung(120 * SECOND, new Progress(10, 1))).isFalse();
        assertThat(detector.hung(121 * SECOND, new Progress(10, 1))).isTrue();
        assertThat(detector.hung(122 * SECOND, new Progress(11, 1))).isFalse();
    }

    @Test
    void idleEngine_neverHangs() {
        assertThat(detector.hung(0, new Progress(10, 0))).isFalse();
        assertThat(detector.hung(1000 * SECOND, new Progress(10, 0))).isFalse();
        // The first request after a long rest has the whole grace.
        assertThat(detector.hung(1001 * SECOND, new Progress(10, 1))).isFalse();
    }

    @Test
    void graceOfZero_switchesItOff() {
        var off = new HangDetector(0);
        off.hung(0, new Progress(1, 1));
        assertThat(off.hung(9999 * SECOND, new Progress(1, 1))).isFalse();
    }

    @Test
    void counters_areReadFromPrometheusText() {
        var progress = Progress.read("""
                # TYPE vllm:num_requests_running gauge
                vllm:num_requests_running{engine="0",model_name="m"} 2.0
                vllm:prompt_tokens_total{engine="0",model_name="m"} 100.0
                vllm:generation_tokens_total{engine="0",model_name="m"} 1.5e+03
                vllm:generation_tokens_total{engine="1",model_name="m"} 7
                """);
        assertThat(progress).isEqualTo(new Progress(1607, 2));
    }
}
