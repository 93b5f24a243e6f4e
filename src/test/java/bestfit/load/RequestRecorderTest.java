package bestfit.load;

import static org.assertj.core.api.Assertions.assertThat;

import bestfit.http.StreamClient;
import bestfit.load.PreparedRequests.Prepared;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** When a recorder allows its client to let answers gather for longer. */
class RequestRecorderTest {
    private static final long GAP_NANOS = 20_000_000;
    private static final long AHEAD_NANOS = 2 * GAP_NANOS;

    private static RequestRecorder recorder(int exactTokens, int chunks) throws IOException {
        try (var client = StreamClient.open(1, 1_000_000_000)) {
            var route = client.route(URI.create("http://127.0.0.1:9"), Map.of());
            var dialogue = Dialogue.single(new byte[0], exactTokens);
            var recorder = new RequestRecorder(
                    Ask.first(new Prepared(0, dialogue, 1, route, new byte[0])), 0, 0, 0, ended -> {});
            recorder.onSent(0);
            recorder.onHead(200, 1);
            for (int chunk = 1; chunk <= chunks; chunk++) {
                var event =
                        "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n".getBytes(StandardCharsets.UTF_8);
                recorder.onBody(event, 0, event.length, chunk * GAP_NANOS);
            }
            return recorder;
        }
    }

    @Test
    void itsGapIsSteady_afterItsFirstEvents_andNotNearItsEnd() throws IOException {
        assertThat(recorder(10, 0).steadyGapNanos(AHEAD_NANOS)).isZero();
        assertThat(recorder(10, 1).steadyGapNanos(AHEAD_NANOS)).isZero();
        assertThat(recorder(10, 2).steadyGapNanos(AHEAD_NANOS)).isEqualTo(GAP_NANOS);
        assertThat(recorder(10, 7).steadyGapNanos(AHEAD_NANOS)).isEqualTo(GAP_NANOS);
        assertThat(recorder(10, 8).steadyGapNanos(AHEAD_NANOS)).isZero();
        assertThat(recorder(10, 12).steadyGapNanos(AHEAD_NANOS)).isZero();
    }

    @Test
    void itsGapIsNeverSteady_whereItsEndIsNotKnown() throws IOException {
        assertThat(recorder(0, 5).steadyGapNanos(AHEAD_NANOS)).isZero();
    }

    /** 250 µs by the request's length, an eighth of 20 ms midway, nothing for short requests. */
    @Test
    void answersGatherForLonger_whileNoneBeginsOrEnds() throws IOException {
        var midway = recorder(100, 20);
        assertThat(GatherTime.nanos(2_000_000_000, List.of(midway, midway), AHEAD_NANOS))
                .isEqualTo(2_500_000);
        assertThat(GatherTime.nanos(2_000_000_000, List.of(midway, recorder(100, 99)), AHEAD_NANOS))
                .isEqualTo(250_000);
        assertThat(GatherTime.nanos(2_000_000_000, List.of(midway, recorder(100, 1)), AHEAD_NANOS))
                .isEqualTo(250_000);
        assertThat(GatherTime.nanos(2_000_000_000, List.of(), AHEAD_NANOS)).isEqualTo(250_000);
        assertThat(GatherTime.nanos(10_000_000, List.of(midway), AHEAD_NANOS)).isZero();
    }
}
