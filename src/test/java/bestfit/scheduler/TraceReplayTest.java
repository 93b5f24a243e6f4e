package bestfit.scheduler;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** vLLM's own decisions, recorded (src/test/resources/scheduler_traces/README.md), step by step. */
class TraceReplayTest {
    @ParameterizedTest
    @ValueSource(
            strings = {
                "0.33.0_v1-sync",
                "0.33.0_v1-async",
                "0.33.0_v1-pp",
                "0.33.0_v1-async-pp",
                "0.23.0_v1-sync",
                "0.23.0_v1-async",
                "0.23.0_v1-pp",
                "0.23.0_v1-async-pp",
                "0.8.1_v0-default",
                "0.8.1_v0-default-async",
                "0.8.1_v0-chunked",
                "0.8.1_v0-chunked-async"
            })
    void everyRecordedDecision_isMadeHereToo(String trace) throws IOException {
        var outcomes = TraceReplay.replay(Path.of("src/test/resources/scheduler_traces", trace + ".jsonl.gz"));

        assertThat(outcomes).hasSize(44);
        assertThat(outcomes)
                .allSatisfy((name, outcome) -> assertThat(outcome)
                        .as("case %s", name)
                        .isInstanceOfAny(TraceReplay.Outcome.Passed.class, TraceReplay.Outcome.Skipped.class));
    }

    @Test
    void tokensOfTheTraces_areTheDocumentedOnes() {
        assertThat(TraceCase.pseudoToken("r0", 0)).isEqualTo(26743);
        assertThat(TraceCase.pseudoToken("r0", 37)).isEqualTo(5350);
        assertThat(TraceCase.pseudoToken("p1", 0)).isEqualTo(18709);
        assertThat(TraceCase.pseudoToken("p999999", 500)).isEqualTo(31191);
    }
}
