package bestfit.scheduler;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.GZIPInputStream;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
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
    void everyRecordedDecision_isMadeHereToo(String trace) {
        var outcomes = TraceReplay.replay(Path.of("src/test/resources/scheduler_traces", trace + ".jsonl.gz"));

        assertThat(outcomes).hasSize(44);
        assertThat(outcomes)
                .allSatisfy((name, outcome) -> assertThat(outcome)
                        .as("case %s", name)
                        .isInstanceOfAny(TraceReplay.Outcome.Passed.class, TraceReplay.Outcome.Skipped.class));
    }

    /** Recorded later, for two branches that the first traces do not enter. */
    @Test
    void aChunkGoesOnWithoutFreeBlocks_andALookInVainFixesTheCacheHit() {
        var outcomes =
                TraceReplay.replay(Path.of("src/test/resources/scheduler_traces/0.8.1_v0-chunked-edges.jsonl.gz"));

        assertThat(outcomes).hasSize(13);
        assertThat(outcomes.values()).allMatch(TraceReplay.Outcome.Passed.class::isInstance);
    }

    /** V0's engine fails when such a sequence comes up again; the rows end before. */
    @Test
    void endedAfterItMadeRoomForPriority_itWaitsOn() {
        var outcomes = TraceReplay.replay(
                Path.of("src/test/resources/scheduler_traces/0.8.1_v0-default-async-edges.jsonl.gz"));

        assertThat(outcomes).hasSize(2);
        assertThat(outcomes.values()).allMatch(TraceReplay.Outcome.Passed.class::isInstance);
    }

    /** vLLM 0.32 preempts by priority as 0.33 does, but a sequence that preempts itself ends the running pass. */
    @Test
    void theReleaseBetween_hasItsOwnDecisions() {
        var outcomes = TraceReplay.replay(Path.of("src/test/resources/scheduler_traces/0.32.0_v1-random.jsonl.gz"));

        assertThat(outcomes).hasSize(20);
        assertThat(outcomes.values()).allMatch(TraceReplay.Outcome.Passed.class::isInstance);
    }

    @Test
    void aLineThatIsNoCase_isNamed_andTheOthersStillCount(@TempDir Path folder) throws IOException {
        var good = new BufferedReader(new InputStreamReader(
                        new GZIPInputStream(Files.newInputStream(
                                Path.of("src/test/resources/scheduler_traces/0.33.0_v1-sync.jsonl.gz"))),
                        StandardCharsets.UTF_8))
                .readLine();
        var file = folder.resolve("x.jsonl.gz");
        try (var out = new GZIPOutputStream(Files.newOutputStream(file))) {
            out.write(String.join("\n", "{broken", "{\"case\": 7, \"kind\": \"mix\", \"mode\": \"v1-sync\"}", good)
                    .getBytes(StandardCharsets.UTF_8));
        }

        var outcomes = TraceReplay.replay(file);

        assertThat(outcomes.keySet()).containsExactly("line 1", "7 mix", "0 plain");
        assertThat(outcomes.get("line 1")).isInstanceOf(TraceReplay.Outcome.Malformed.class);
        assertThat(outcomes.get("7 mix")).isInstanceOf(TraceReplay.Outcome.Malformed.class);
        assertThat(outcomes.get("0 plain")).isInstanceOf(TraceReplay.Outcome.Passed.class);
    }

    @Test
    void tokensOfTheTraces_areTheDocumentedOnes() {
        assertThat(TraceCase.pseudoToken("r0", 0)).isEqualTo(26743);
        assertThat(TraceCase.pseudoToken("r0", 37)).isEqualTo(5350);
        assertThat(TraceCase.pseudoToken("p1", 0)).isEqualTo(18709);
        assertThat(TraceCase.pseudoToken("p999999", 500)).isEqualTo(31191);
    }
}
