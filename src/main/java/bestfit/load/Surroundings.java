package bestfit.load;

import java.util.Optional;

/**
 * What was found out of client and network before a run.
 *
 * @param ownError empty if the client was not calibrated
 */
public record Surroundings(Optional<RoundTrip> roundTrip, Optional<OwnError> ownError) {
    public static final Surroundings UNKNOWN = new Surroundings(Optional.empty(), Optional.empty());
}
