package bestfit.metrics;

import static bestfit.metrics.Measurement.NEVER;

import java.util.HashSet;
import java.util.List;

/**
 * What a request must keep to count as good: an upper limit for each named time. A failed request never does. Times
 * count from when the request was due: what a cap on the requests under way made it wait is in them.
 *
 * @param ttftMillis infinite where there is no limit, as for the others
 */
public record Slo(double ttftMillis, double tpotMillis, double e2eMillis) {
    /**
     * Reads {@code ttft:500,tpot:50,e2e:5000}, in milliseconds.
     *
     * @throws IllegalArgumentException naming the part that is wrong
     */
    public static Slo parse(String text) {
        double ttft = Double.POSITIVE_INFINITY;
        double tpot = Double.POSITIVE_INFINITY;
        double e2e = Double.POSITIVE_INFINITY;
        var named = new HashSet<String>();
        for (var part : text.strip().split("[,\\s]+", -1)) {
            int colon = part.indexOf(':');
            double limit = limit(part, colon);
            if (!named.add(part.substring(0, colon))) {
                throw new IllegalArgumentException("\"" + text + "\" has " + part.substring(0, colon) + " twice");
            }
            switch (part.substring(0, colon)) {
                case "ttft" -> ttft = limit;
                case "tpot" -> tpot = limit;
                case "e2e", "e2el" -> e2e = limit;
                default -> throw wrong(part);
            }
        }
        return new Slo(ttft, tpot, e2e);
    }

    private static double limit(String part, int colon) {
        try {
            double limit = colon < 0 ? Double.NaN : Double.parseDouble(part.substring(colon + 1));
            if (limit > 0) {
                return limit;
            }
        } catch (NumberFormatException notANumber) {
            throw wrong(part);
        }
        throw wrong(part);
    }

    private static IllegalArgumentException wrong(String part) {
        return new IllegalArgumentException("\"" + part
                + "\" is not allowed; it takes ttft, tpot and e2e with milliseconds, such as ttft:500,tpot:50");
    }

    /** Whether the request kept every limit; a request of one token has no TPOT to break. */
    public boolean keeps(Measurement m) {
        if (!m.succeeded() || m.firstTokenNanos() == NEVER) {
            return false;
        }
        double tpot =
                m.outputTokens() > 1 ? (m.lastTokenNanos() - m.firstTokenNanos()) / 1e6 / (m.outputTokens() - 1) : 0;
        return (m.firstTokenNanos() - m.intendedNanos()) / 1e6 <= ttftMillis
                && tpot <= tpotMillis
                && (m.endNanos() - m.intendedNanos()) / 1e6 <= e2eMillis;
    }

    /** The smallest wait that breaks it in milliseconds; infinite where only the time between tokens is limited. */
    public double leastWaitMillis() {
        return Math.min(ttftMillis, e2eMillis);
    }

    /** Share of all requests, failed ones among them, that kept it. */
    public double share(List<Measurement> measurements) {
        return measurements.stream().filter(this::keeps).count() / (double) Math.max(1, measurements.size());
    }
}
