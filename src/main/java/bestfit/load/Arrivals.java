package bestfit.load;

import bestfit.workload.SendSchedule;
import java.time.Duration;

/** What decides when a request is sent. */
public sealed interface Arrivals {
    /**
     * So many users, each sending its next request when the one before has ended.
     *
     * @param rampUp the users begin evenly spread over so long
     * @param pauseAfterFailure a user whose request failed waits so long; without it, a server that refuses every connection
     *     ends the run
     */
    record Closed(int users, Duration rampUp, Duration pauseAfterFailure) implements Arrivals {
        public Closed(int users, Duration rampUp) {
            this(users, rampUp, Duration.ZERO);
        }
    }

    /**
     * At times fixed beforehand, whatever the server does.
     *
     * @param mostInFlight requests that are due while so many are under way wait for one to end; the wait is theirs and is
     *     kept in the measurement
     */
    record Open(SendSchedule schedule, int mostInFlight) implements Arrivals {}
}
