package bestfit.report;

import static bestfit.metrics.Measurement.NEVER;

import bestfit.config.Json;
import bestfit.load.LoadResult;
import bestfit.load.OwnError;
import bestfit.load.ServerWatch;
import bestfit.load.Surroundings;
import bestfit.metrics.BenchMetrics;
import bestfit.metrics.Distribution;
import bestfit.metrics.Measurement;
import bestfit.metrics.RequestFailure;
import bestfit.metrics.Slo;
import bestfit.metrics.SteadyState;
import bestfit.metrics.Summary;
import bestfit.metrics.Window;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ArrayNode;
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
    private static final int MOST_WINDOWS_SHOWN = 12;

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
        var reasons = new ArrayList<>(result.selfCheck().reasons());
        if (!anySuccess()) {
            reasons.add("No request succeeded; see the failures.");
        }
        int most = BenchMetrics.mostInFlight(measurements);
        if (users.isPresent() && most < Math.min(users.getAsInt(), measurements.size())) {
            reasons.add(
                    "Only %d of %d users were ever under way at once: give more requests than users, or more client CPU."
                            .formatted(most, users.getAsInt()));
        }
        if (result.effort().suspendedMillis() > MOST_SUSPENDED_MILLIS) {
            reasons.add("The machine slept or its clock was set for %.0f ms during the run: run it again."
                    .formatted(result.effort().suspendedMillis()));
        }
        surroundings.ownError().ifPresent(error -> ownErrorReason(error).ifPresent(reasons::add));
        return reasons;
    }

    private Optional<String> ownErrorReason(OwnError error) {
        var ttft = BenchMetrics.of(measurements).times().get("ttft_ms");
        double most = Math.max(LEAST_OWN_ERROR_MILLIS, ttft == null ? 0 : MOST_OWN_ERROR_SHARE * ttft.mean());
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
    private List<String> notes() {
        var notes = new ArrayList<String>();
        long successes = measurements.stream().filter(Measurement::succeeded).count();
        long needed = samplesFor(percentile / 100);
        if (successes > 0 && successes < needed) {
            notes.add("p" + percentileName() + " rests on " + successes
                    + " requests; a bound on it that holds with 99 % certainty needs " + needed + ", "
                    + (needed - successes) + " more.");
        }
        server.ifPresent(seen -> notes.addAll(new Reconciliation(seen, measurements).notes(sharesPrefixes)));
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

    /** One object, its names stable. */
    public ObjectNode json() {
        var reasons = reasons();
        var json = Json.object().put("verdict", reasons.isEmpty() ? "VALID" : "INVALID");
        var list = json.putArray("reasons");
        reasons.forEach(list::add);
        var notes = json.putArray("notes");
        notes().forEach(notes::add);
        json.set("run", run);
        json.set("metrics", metrics());
        json.set("counts", counts());
        json.set("instrument", instrument());
        json.set("windows", windows());
        SteadyState.of(measurements).ifPresent(steady -> json.set("steady", json(steady)));
        server.ifPresent(seen -> json.set("server", new Reconciliation(seen, measurements).json()));
        return json;
    }

    private ArrayNode windows() {
        var list = Json.array();
        for (var window : Window.of(measurements)) {
            var one = list.addObject()
                    .put("from_s", window.fromSeconds())
                    .put("seconds", rounded(window.seconds()))
                    .put("ok", window.ok())
                    .put("failed", window.failed())
                    .put("in_flight", rounded(window.inFlight()))
                    .put("output_tok_s", rounded(window.outputTokensPerSecond()));
            if (!Double.isNaN(window.ttftMillis())) {
                one.put("ttft_ms", rounded(window.ttftMillis())).put("ttft_ms_p95", rounded(window.ttftP95Millis()));
            }
        }
        return list;
    }

    private ObjectNode json(SteadyState steady) {
        long first =
                measurements.stream().mapToLong(Measurement::startNanos).min().orElse(0);
        var json = Json.object()
                .put("rule", SteadyState.RULE)
                .put("from_s", rounded((steady.fromNanos() - first) / 1e9))
                .put("to_s", rounded((steady.toNanos() - first) / 1e9))
                .put("requests", steady.requests().size())
                .put("output_tok_s", rounded(steady.outputTokensPerSecond(measurements)));
        BenchMetrics.of(steady.requests()).times().forEach((name, d) -> json.set(name, json(d)));
        return json;
    }

    private ObjectNode metrics() {
        var metrics = BenchMetrics.of(measurements);
        var json = Json.object();
        metrics.times().forEach((name, d) -> json.set(name, json(d)));
        metrics.rates().forEach((name, rate) -> {
            var one = json.putObject(name).put("mean", rounded(rate.mean()));
            interval(one, rate.low(), rate.high());
        });
        if (slo != null) {
            double share = slo.share(measurements);
            json.putObject("goodput")
                    .put("share", rounded(share))
                    .put("requests_s", rounded(share * measurements.size() / metrics.seconds()));
        }
        if (!measurements.isEmpty()) {
            json.putObject("in_flight")
                    .put("mean", rounded(BenchMetrics.meanInFlight(measurements)))
                    .put("max", BenchMetrics.mostInFlight(measurements));
        }
        return json.put("duration_s", rounded(metrics.seconds()));
    }

    private static ObjectNode json(Distribution d) {
        var json = Json.object().put("mean", rounded(d.mean()));
        interval(json, d.low(), d.high());
        return json.put("min", rounded(d.min()))
                .put("p50", rounded(d.p50()))
                .put("p90", rounded(d.p90()))
                .put("p95", rounded(d.p95()))
                .put("p99", rounded(d.p99()))
                .put("max", rounded(d.max()))
                .put("n", d.count());
    }

    private static void interval(ObjectNode json, double low, double high) {
        if (Double.isNaN(low)) {
            json.putNull("low").putNull("high");
        } else {
            json.put("low", rounded(low)).put("high", rounded(high));
        }
    }

    private static double rounded(double value) {
        return Math.round(value * 1e4) / 1e4;
    }

    private ObjectNode counts() {
        var failed = new TreeMap<String, Integer>();
        for (var m : measurements) {
            var failure = m.failure();
            if (failure != null) {
                failed.merge(
                        RequestFailure.of(failure)
                                .map(RequestFailure::label)
                                .orElse("other")
                                .replace(' ', '_'),
                        1,
                        Integer::sum);
            }
        }
        var json = Json.object()
                .put("requests", measurements.size())
                .put("ok", measurements.stream().filter(Measurement::succeeded).count());
        var byKind = json.putObject("failed");
        failed.forEach(byKind::put);
        json.put(
                "waited_for_a_place", measurements.stream().filter(this::waited).count());
        var tokens = json.putObject("tokens");
        promptTokens.ifPresentOrElse(count -> tokens.put("prompt", count), () -> tokens.putNull("prompt"));
        template.ifPresentOrElse(count -> tokens.put("template", count), () -> tokens.putNull("template"));
        return tokens.isEmpty()
                ? json
                : json.put("input_tokens", sum(Measurement::inputTokens))
                        .put("output_tokens", sum(Measurement::outputTokens));
    }

    /** Open loop with a cap: it was due while too many were under way. */
    private boolean waited(Measurement m) {
        return users.isEmpty() && m.startNanos() - m.intendedNanos() > 10_000_000;
    }

    private long sum(java.util.function.ToIntFunction<Measurement> tokens) {
        return measurements.stream()
                .filter(Measurement::succeeded)
                .mapToLong(m -> tokens.applyAsInt(m))
                .sum();
    }

    private ObjectNode instrument() {
        var check = result.selfCheck();
        var effort = result.effort();
        var lags = sendLags();
        long events = result.measurements().stream()
                .mapToLong(m -> m.chunks().count())
                .sum();
        var json = Json.object()
                .put("send_lag_ms", lags.length == 0 ? 0 : rounded(Summary.percentile(lags, 0.99)))
                .put("send_lag_ms_p50", lags.length == 0 ? 0 : rounded(Summary.percentile(lags, 0.5)))
                .put("read_lag_ms", Double.isNaN(check.readLagMillis()) ? 0 : rounded(check.readLagMillis()))
                .put("loop_lag_ms", rounded(effort.lagMillis()))
                .put("longest_lag_ms", rounded(effort.longestLagMillis()))
                .put("suspended_ms", rounded(effort.suspendedMillis()))
                .put("gc_ms", rounded(effort.gcMillis()))
                .put("cpu_wait_ms", Double.isNaN(effort.waitMillis()) ? 0 : rounded(effort.waitMillis()))
                .put("cpu_us_per_event", events == 0 ? 0 : rounded(1e6 * effort.cpuSeconds() / events))
                .put("cpu_share", rounded(effort.cpuShare()))
                .put("events", events);
        surroundings
                .roundTrip()
                .ifPresent(trip -> json.putObject("round_trip_ms")
                        .put("least", rounded(trip.leastMillis()))
                        .put("mean", rounded(trip.meanMillis()))
                        .put("jitter", rounded(trip.jitterMillis())));
        surroundings
                .ownError()
                .ifPresent(error -> json.putObject("own_error_ms")
                        .put("ttft_mean", rounded(error.ttftMeanMillis()))
                        .put("ttft_p99", rounded(error.ttftP99Millis()))
                        .put("tpot_mean", rounded(error.tpotMeanMillis()))
                        .put("requests", error.requests())
                        .put("streams", error.streams()));
        return json;
    }

    private double[] sendLags() {
        return result.measurements().stream()
                .filter(m -> m.sentNanos() != NEVER && !waited(m))
                .mapToDouble(m -> (m.sentNanos() - m.intendedNanos()) / 1e6)
                .toArray();
    }

    /** The same for a person. */
    public String text() {
        var text = new StringBuilder();
        var metrics = BenchMetrics.of(measurements);
        text.append(String.format(
                Locale.ROOT, "%-18s %10s %23s %10s %10s %10s%n", "", "mean", "95 % interval", "p50", "p95", "p99"));
        metrics.times()
                .forEach((name, d) -> text.append(String.format(
                        Locale.ROOT,
                        "%-18s %10.2f %11s %11s %10.2f %10.2f %10.2f%n",
                        label(name),
                        d.mean(),
                        cell(d.low()),
                        cell(d.high()),
                        d.p50(),
                        d.p95(),
                        d.p99())));
        metrics.rates()
                .forEach((name, rate) -> text.append(String.format(
                        Locale.ROOT,
                        "%-18s %10.2f %11s %11s%n",
                        label(name),
                        rate.mean(),
                        cell(rate.low()),
                        cell(rate.high()))));
        if (slo != null) {
            text.append(String.format(
                    Locale.ROOT,
                    "goodput            %10.1f %% of %d requests%n",
                    100 * slo.share(measurements),
                    measurements.size()));
        }
        var counts = counts();
        text.append(String.format(
                Locale.ROOT,
                "%nrequests %d, ok %d, failed %s; under way %.1f in the mean, %d at most; %.1f s%n",
                measurements.size(),
                counts.get("ok").longValue(),
                counts.get("failed").isEmpty() ? "0" : counts.get("failed").toString(),
                measurements.isEmpty() ? 0 : BenchMetrics.meanInFlight(measurements),
                BenchMetrics.mostInFlight(measurements),
                metrics.seconds()));
        text.append("prompt tokens ")
                .append(promptTokens.isPresent() ? promptTokens.getAsInt() + "" : "of several lengths")
                .append(" and ")
                .append(template.isPresent() ? template.getAsInt() + "" : "an unknown number")
                .append(" of the chat template")
                .append(System.lineSeparator());
        measurements.stream()
                .map(Measurement::failure)
                .filter(failure -> failure != null)
                .distinct()
                .limit(5)
                .forEach(failure -> text.append("failed: ").append(failure).append(System.lineSeparator()));
        text.append(windowsText());
        SteadyState.of(measurements).ifPresent(steady -> text.append(steadyText(steady)));
        notes().forEach(note -> text.append(note).append(System.lineSeparator()));
        var instrument = instrument();
        text.append(String.format(
                Locale.ROOT,
                "client: sent %.2f ms late (p99), %.1f µs of CPU an event, %.0f %% of a core: %s",
                instrument.get("send_lag_ms").doubleValue(),
                instrument.get("cpu_us_per_event").doubleValue(),
                100 * instrument.get("cpu_share").doubleValue(),
                reasons().isEmpty() ? "VALID" : "INVALID"));
        surroundings
                .roundTrip()
                .ifPresent(trip -> text.append(String.format(
                        Locale.ROOT,
                        "%nround trip to the server %.2f ms (least %.2f, jitter %.2f)",
                        trip.meanMillis(),
                        trip.leastMillis(),
                        trip.jitterMillis())));
        surroundings
                .ownError()
                .ifPresent(error -> text.append(String.format(
                        Locale.ROOT,
                        "%nown error on a stub, %d streams: TTFT %+.2f ms (p99 %+.2f), TPOT %+.3f ms",
                        error.streams(),
                        error.ttftMeanMillis(),
                        error.ttftP99Millis(),
                        error.tpotMeanMillis())));
        reasons()
                .forEach(reason ->
                        text.append(System.lineSeparator()).append("  ").append(reason));
        return text.toString();
    }

    /** How the run went on: evenly chosen windows where there are many. */
    private String windowsText() {
        var windows = Window.of(measurements);
        if (windows.size() < 3) {
            return "";
        }
        var text = new StringBuilder(String.format(
                Locale.ROOT,
                "%n%-18s %10s %10s %10s %10s %10s%n",
                "from s",
                "tokens/s",
                "TTFT ms",
                "p95",
                "under way",
                "failed"));
        int shown = Math.min(windows.size(), MOST_WINDOWS_SHOWN);
        for (int i = 0; i < shown; i++) {
            var window = windows.get(i * windows.size() / shown);
            text.append(String.format(
                    Locale.ROOT,
                    "%-18.0f %10.1f %10s %10s %10.1f %10d%n",
                    window.fromSeconds(),
                    window.outputTokensPerSecond(),
                    cell(window.ttftMillis()),
                    cell(window.ttftP95Millis()),
                    window.inFlight(),
                    window.failed()));
        }
        return text + System.lineSeparator();
    }

    private String steadyText(SteadyState steady) {
        long first =
                measurements.stream().mapToLong(Measurement::startNanos).min().orElse(0);
        var times = BenchMetrics.of(steady.requests()).times();
        return String.format(
                Locale.ROOT,
                "steady %.1f to %.1f s, %d requests: TTFT %s ms, TPOT %s ms, %.1f output tokens/s%n  (%s)%n",
                (steady.fromNanos() - first) / 1e9,
                (steady.toNanos() - first) / 1e9,
                steady.requests().size(),
                mean(times.get("ttft_ms")),
                mean(times.get("tpot_ms")),
                steady.outputTokensPerSecond(measurements),
                SteadyState.RULE);
    }

    private static String mean(@Nullable Distribution times) {
        return times == null ? "-" : cell(times.mean());
    }

    private static String label(String name) {
        return switch (name) {
            case "output_tok_s" -> "output tokens/s";
            case "input_tok_s" -> "input tokens/s";
            case "total_tok_s" -> "all tokens/s";
            case "requests_s" -> "requests/s";
            default -> name.replace("_ms", " ms").replace('_', ' ');
        };
    }

    private static String cell(double value) {
        return Double.isNaN(value) ? "" : String.format(Locale.ROOT, "%.2f", value);
    }
}
