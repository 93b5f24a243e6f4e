package bestfit.perf;

/**
 * What users send to one deployment.
 *
 * @param inputTokens of a prompt; {@code lengths} says how they differ
 * @param outputTokens of an answer
 * @param users requests in flight; 0 for an open loop
 * @param ratePerSecond Poisson arrivals of an open loop; 0 for a closed one
 * @param requests sent in all
 * @param networkSeconds there and back: so long a user waits beside the server for a token, and the server for its next request
 * @param sharedPrefix tokens that every prompt begins with, the same in all; kept where prefix caching is on
 * @param afterStart true where nothing warmed the engine up before the first of these requests
 */
public record Load(
        double inputTokens,
        double outputTokens,
        double users,
        double ratePerSecond,
        double requests,
        Lengths lengths,
        double networkSeconds,
        boolean afterStart,
        double sharedPrefix) {
    /** How the lengths of requests differ. */
    public enum Lengths {
        /** All as given. */
        FIXED(1),
        /** Within 2 % of what is given, as texts cut to a length and answers with a limit are. */
        ALIKE(1),
        /** 80 to 100 % of what is given, as vLLM's random data set with its usual range. */
        NOMINAL(0.9),
        /** 50 to 150 % of what is given. */
        VARIED(1),
        /** Exponential around what is given, as conversations are. */
        CONVERSATIONS(1);

        private final double mean;

        Lengths(double mean) {
            this.mean = mean;
        }
    }

    /** Requests of one length. */
    public Load(double inputTokens, double outputTokens, double users, double ratePerSecond, double requests) {
        this(inputTokens, outputTokens, users, ratePerSecond, requests, Lengths.FIXED, 0, false, 0);
    }

    /** The same for other users, each with as many requests as before. */
    public Load with(double otherUsers, double otherRequests) {
        return new Load(
                inputTokens, outputTokens, otherUsers, 0, otherRequests, lengths, networkSeconds, false, sharedPrefix);
    }

    public double meanInput() {
        return inputTokens * lengths.mean;
    }

    public double meanOutput() {
        return outputTokens * lengths.mean;
    }
}
