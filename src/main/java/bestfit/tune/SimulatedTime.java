package bestfit.tune;

import bestfit.time.ScaledClock;
import java.util.Optional;

/**
 * Whether engines simulate their devices, and how fast their clock runs: measurements are kept in the devices' time.
 *
 * @param server what is simulated; empty where engines are real
 */
public record SimulatedTime(Optional<String> server, ScaledClock clock) {
    /** Engines that compute. */
    public static final SimulatedTime NONE = new SimulatedTime(Optional.empty(), ScaledClock.start(1));

    /** @param scale simulated seconds that pass in one */
    public static SimulatedTime of(String server, double scale) {
        return new SimulatedTime(Optional.of(server), ScaledClock.start(scale));
    }
}
