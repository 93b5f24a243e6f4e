package bestfit.report;

import bestfit.load.LoadResult;
import bestfit.load.OwnError;
import bestfit.load.ServerWatch;
import bestfit.load.Surroundings;
import bestfit.metrics.BenchMetrics;
import bestfit.metrics.Measurement;
import bestfit.metrics.Slo;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/**
 * What {@code bestfit bench} says at its end.
 *
 * @param run what was asked for
 * @param measurements with those of the interrupted part before
 * @param result of the last part
 * @param promptTokens of every prompt without template; empty where they differ
 * @param template tokens that the chat template adds to each prompt; empty where it is not known
 * @param users of a closed loop
 * @param percentile that is to rest on enough requests
 * @param server its own counters; empty where it does not tell
 * @param sharesPrefixes a prefix cache is meant to help
 * @param surroundings found before the run
 */
public record BenchReport(
        ObjectNode run,
        List<Measurement> measurements,
        LoadResult result,
        @Nullable Slo slo,
        OptionalInt promptTokens,
        OptionalInt template,
        OptionalInt users,
        double percentile,
        Optional<ServerWatch.Seen> server,
        boolean sharesPrefixes,
        Surroundings surroundings) {
    private static final double CERTAINTY = 0.99;
    private static final double MOST_SUSPENDED_MILLIS = 50;
    private static final double LEAST_OWN_ERROR_MILLIS = 2;
    private static final double MOST_OWN_ERROR_SHARE = 0.05;

    /** Puts an interrupted run and its continuation on one clock, without the pause between; what was sent again counts once. */
    public static List<Measurement> joined(List<Measurement> before, List<Measurement> after) {
        if (before.isEmpty() || after.isEmpty()) {
            return before.isEmpty() ? after : before;
        }
        long end = before.stream().mapToLong(Measurement::endNanos).max().orElseThrow();
        long start = after.stream().mapToLong(Measurement::startNanos).min().orElseThrow();
        var all = new ArrayList<Measurement>();
        var again = after.stream().map(Measurement::index).collect(Collectors.toSet());
        before.stream().filter(m -> !again.contains(m.index())).forEach(m -> all.add(m.movedBy(start - end)));
        all.addAll(after);
        return all;
    }

    public boolean anySuccess() {
        return measurements.stream().anyMatch(Measurement::succeeded);
    }

    /** Why the numbers are the client's and not the server's; empty if the run is VALID. */
    public List<String> reasons() {
        var reasons = new ArrayList<>(
                nothingWasLeft() ? List.<String>of() : result.selfCheck().reasons());
        if (!anySuccess()) {
            reasons.add("No request succeeded; see the failures.");
        }
        int most = BenchMetrics.mostInFlight(measurements);
        if (users.isPresent() && most < Math.min(users.getAsInt(), measurements.size())) {
            reasons.add(
                    "Only %d of %d users were ever under way at once: give more requests than users, a shorter ramp-up or more client CPU."
                            .formatted(most, users.getAsInt()));
        }
        if (result.effort().suspendedMillis() > MOST_SUSPENDED_MILLIS) {
            reasons.add("The machine slept or its clock was set for %.0f ms during the run: run it again."
                    .formatted(result.effort().suspendedMillis()));
        }
        surroundings.ownError().ifPresent(error -> ownErrorReason(error).ifPresent(reasons::add));
        return reasons;
    }

    /** A run that was interrupted after its last request. */
    private boolean nothingWasLeft() {
        return result.measurements().isEmpty() && !measurements.isEmpty();
    }

    private Optional<String> ownErrorReason(OwnError error) {
        var metrics = BenchMetrics.of(measurements);
        double ttftMillis = metrics.anySuccess() ? metrics.ttftMillis().mean() : 0;
        double most = Math.max(LEAST_OWN_ERROR_MILLIS, MOST_OWN_ERROR_SHARE * ttftMillis);
        return Math.abs(error.ttftMeanMillis()) <= most
                ? Optional.empty()
                : Optional.of(
                        ("On a stub of known times the client measured the TTFT %.1f ms too long, more than %.1f ms:"
                                        + " use fewer users or a lower rate, or leave the client a core of its own.")
                                .formatted(error.ttftMeanMillis(), most));
    }

    public boolean valid() {
        return reasons().isEmpty();
    }

    /** Of fewer samples, the largest is below the percentile too often to bound it. */
    private static long samplesFor(double share) {
        return (long) Math.ceil(Math.log(1 - CERTAINTY) / Math.log(share));
    }

    private String percentileName() {
        return percentile == Math.rint(percentile) ? Integer.toString((int) percentile) : Double.toString(percentile);
    }

    /** What the figures cannot show, without making them wrong. */
    List<String> notes() {
        var notes = new ArrayList<String>();
        if (nothingWasLeft()) {
            notes.add("Nothing was left to send; what the client could say of itself went with the interrupted run.");
        }
        long successes = measurements.stream().filter(Measurement::succeeded).count();
        long needed = samplesFor(percentile / 100);
        if (successes > 0 && successes < needed) {
            notes.add("p" + percentileName() + " rests on " + successes
                    + " requests; a bound on it that holds with 99 % certainty needs " + needed + ", "
                    + (needed - successes) + " more.");
        }
        reconciled().ifPresent(both -> notes.addAll(both.notes(sharesPrefixes)));
        if (reconciled().isPresent() && result.measurements().size() < measurements.size()) {
            notes.add("Client and server are compared over the requests that were sent after the interruption.");
        }
        long other = measurements.stream()
                .filter(m -> m.succeeded()
                        && template.isPresent()
                        && promptTokens.isPresent()
                        && m.inputTokens() != promptTokens.getAsInt() + template.getAsInt())
                .count();
        if (other > 0) {
            notes.add(other + " requests had another number of prompt tokens by the server's own count than the "
                    + (promptTokens.orElse(0) + template.orElse(0)) + " that were sent.");
        }
        return notes;
    }

    /** Of the last part alone: what the server counted of an interrupted run was not looked at. */
    Optional<Reconciliation> reconciled() {
        return server.filter(_ -> !nothingWasLeft()).map(seen -> new Reconciliation(seen, result.measurements()));
    }

    /** One object, its names stable. */
    public ObjectNode json() {
        return new BenchJson(this).json();
    }

    /** The same for a person. */
    public String text() {
        return new BenchText(this).text();
    }
}
