package bestfit.tune;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * Says when an engine is warm: its latest rounds of requests are no faster than those before, or, where rounds take long, none of
 * them stalled. A fresh engine compiles its hot
 * code, fills caches and grows its pools while it serves; how long that takes depends on engine, config and machine, so it
 * is seen and not assumed. Pure.
 */
final class WarmUp {
    /** Rounds whose mean is compared with that of as many before. */
    private static final int WINDOW = 3;

    /** Gain of the latest rounds that no longer counts as getting faster. */
    private static final double FLAT = 0.05;

    /** After so long the latest rounds need not be flat, only alike: a server whose rounds take long is not asked for six. */
    private static final double ENOUGH_SECONDS = 10;

    /** Longest of the latest rounds over the shortest. More is a stall: vLLM compiles a kernel when it first meets a size of batch. */
    private static final double ALIKE = 1.25;

    /** A server that never settles is not waited for. */
    private static final double MOST_SECONDS = 30;

    private final List<Double> rounds = new ArrayList<>();

    /** @param seconds that a round took: the same requests each time, other prompts */
    void round(double seconds) {
        rounds.add(seconds);
    }

    boolean done() {
        double all = rounds.stream().mapToDouble(Double::doubleValue).sum();
        return all >= MOST_SECONDS || isFlat() || (all >= ENOUGH_SECONDS && areAlike());
    }

    private boolean areAlike() {
        int count = rounds.size();
        var latest = rounds.subList(Math.max(0, count - WINDOW), count);
        return count > 1 && Collections.max(latest) <= ALIKE * Collections.min(latest);
    }

    private boolean isFlat() {
        int count = rounds.size();
        return count >= 2 * WINDOW
                && Interval.mean(rounds.subList(count - WINDOW, count))
                        >= (1 - FLAT) * Interval.mean(rounds.subList(count - 2 * WINDOW, count - WINDOW));
    }
}
