package bestfit.tune;

import static org.assertj.core.api.Assertions.assertThat;

import bestfit.load.ClientSamples;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Ten configs' worth of blocks: short ones of 28 requests, first tokens after 50 ms, so 2.5 ms of lag are allowed. */
class ClientCheckTest {
    private static final int REQUESTS = 28;

    /** @param late of its requests, by 6.5 ms; the others by 0.3 */
    private static ClientRun block(int number, int late) {
        var lags =
                IntStream.range(0, REQUESTS).mapToObj(i -> i < late ? 6.5 : 0.3).toList();
        var samples = new ClientSamples(lags, 50.0 * REQUESTS, REQUESTS, List.of(0.1, 0.2), 1e6, 1000, 4e7, 1e9, 1);
        return new ClientRun("short", number, samples);
    }

    private static List<ClientRun> blocks(int count, int disturbed, int late) {
        var blocks = new ArrayList<ClientRun>();
        for (int i = 0; i < count; i++) {
            blocks.add(block(i, i < disturbed ? late : 0));
        }
        return ClientRun.read(ClientRun.write(blocks));
    }

    /** Guards: one block in forty, all of whose requests left late, makes no campaign INVALID, and is named. */
    @Test
    void oneLateBlockInFortyIsNamedAndValid() {
        var check = ClientCheck.of(Map.of("TP 1", blocks(40, 1, REQUESTS)));
        assertThat(check.valid()).as(check.reasons().toString()).isTrue();
        assertThat(check.sendLagMillis()).isLessThan(0.5);
        assertThat(check.worstBlock()).isEqualTo("block 1, short of TP 1, 6.5 ms");
        assertThat(check.cpuShare()).isBetween(0.03, 0.05);
    }

    /** Guards: a client that lacks a core all along, or for one config alone, is still INVALID. */
    @Test
    void starvedClientIsInvalid() {
        var always = ClientCheck.of(Map.of("TP 1", blocks(40, 40, 3)));
        assertThat(always.reasons()).singleElement().asString().contains("left 6.5 ms late", "more than 2.5 ms");
        var oneConfig = ClientCheck.of(Map.of("TP 1", blocks(36, 0, 0), "TP 2", blocks(4, 2, 10)));
        assertThat(oneConfig.reasons()).singleElement().asString().startsWith("short of TP 2: ");
        assertThat(oneConfig.sendLagMillis()).isEqualTo(6.5);
    }

    @Test
    void nothingMeasuredIsNoDoubt() {
        assertThat(ClientCheck.of(Map.of()).valid()).isTrue();
    }
}
