package bestfit.load;

import bestfit.workload.SendSchedule;

/** What decides when a request is sent. */
public sealed interface Arrivals {
    /** So many users, each sending its next request when the one before has ended. */
    record Closed(int users) implements Arrivals {}

    /**
     * At times fixed beforehand, whatever the server does.
     *
     * @param mostInFlight requests that are due while so many are under way wait for one to end; the wait is theirs and is
     *     kept in the measurement
     */
    record Open(SendSchedule schedule, int mostInFlight) implements Arrivals {}
}
