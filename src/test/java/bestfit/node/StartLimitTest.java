package bestfit.node;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class StartLimitTest {
    /** A machine that starts engines slowly gets more time, and one that never gets ready costs little. */
    @Test
    void learnedStartLimit_followsTheSlowestStart() {
        var limit = new StartLimit.Learned();
        assertThat(limit.after(Duration.ZERO)).isEqualTo(Duration.ofSeconds(60));
        assertThat(limit.after(Duration.ofMillis(1100))).isEqualTo(Duration.ofSeconds(15));
        assertThat(limit.after(Duration.ofSeconds(9))).isEqualTo(Duration.ofSeconds(90));
    }
}
