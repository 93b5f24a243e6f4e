package bestfit.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class ExpectedRequestsTest {
    private final AtomicLong now = new AtomicLong(1);

    private ExpectedRequests at(double timeScale) {
        return new ExpectedRequests(timeScale, now::get);
    }

    private static void readOne(ExpectedRequests expected) {
        expected.beginReading();
        expected.endReading();
    }

    /** How long it is waited, in steps of 0.1 ms. */
    private double millisUntilNone(ExpectedRequests expected) {
        long from = now.get();
        while (expected.any()) {
            now.addAndGet(100_000);
        }
        return (now.get() - from) / 1e6;
    }

    @Test
    void firstAfterNothingRan_waitsForCompany() {
        var expected = at(2);
        readOne(expected);
        assertThat(millisUntilNone(expected)).isEqualTo(4);
    }

    /** The second comes after 2 ms, and the wait is not begun anew. */
    @Test
    void wholeWait_isBounded() {
        var expected = at(2);
        readOne(expected);
        now.addAndGet(2_000_000);
        readOne(expected);
        assertThat(millisUntilNone(expected)).isEqualTo(2);
    }

    @Test
    void fasterClock_waitsNoLongerThanTheStepTakes() {
        var expected = at(4);
        readOne(expected);
        assertThat(millisUntilNone(expected)).isEqualTo(2);
    }

    /** 4 ms for each of many would stop the steps of those that run. */
    @Test
    void whileOthersRun_onlyTheNextMillisecondCounts() {
        var expected = at(2);
        readOne(expected);
        expected.alive(true);
        millisUntilNone(expected);
        readOne(expected);
        assertThat(millisUntilNone(expected)).isEqualTo(1);
    }

    @Test
    void whileOneIsRead_nothingCountsAsIdle() {
        var expected = at(2);
        expected.beginReading();
        expected.alive(false);
        readForLong(expected);
        readOne(expected);
        assertThat(millisUntilNone(expected)).isEqualTo(1);
    }

    private void readForLong(ExpectedRequests expected) {
        now.addAndGet(10_000_000);
        assertThat(expected.any()).isTrue();
        expected.endReading();
        now.addAndGet(10_000_000);
        assertThat(expected.any()).isFalse();
    }
}
