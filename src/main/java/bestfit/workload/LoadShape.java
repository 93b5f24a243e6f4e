package bestfit.workload;

import java.time.Duration;

/** How requests, or conversations where these have several turns, begin. */
public sealed interface LoadShape {
    /**
     * Closed loop: each user begins anew when what it had asked before has ended.
     *
     * @param rampUp the users begin evenly spread over so long
     */
    record Users(int count, Duration rampUp) implements LoadShape {}

    /** A closed loop of so many, otherwise as this one. */
    default LoadShape withUsers(int count) {
        return new Users(count, this instanceof Users(int _, Duration rampUp) ? rampUp : Duration.ZERO);
    }

    /** An open loop of this rate, otherwise as this one. */
    default LoadShape withRate(double perSecond) {
        return this instanceof Rate(double _, double burstiness, int mostInFlight)
                ? new Rate(perSecond, burstiness, mostInFlight)
                : new Rate(perSecond, 1, Integer.MAX_VALUE);
    }

    /**
     * Open loop: at times drawn beforehand.
     *
     * @param burstiness shape of the gamma distribution of gaps; 1 is Poisson, infinite is constant
     * @param mostInFlight what is due while so many are under way waits
     */
    record Rate(double perSecond, double burstiness, int mostInFlight) implements LoadShape {}

    /**
     * Open loop: at the times of a trace.
     *
     * @param speed 2 sends twice as fast as the trace
     */
    record Replay(double speed, int mostInFlight) implements LoadShape {}
}
