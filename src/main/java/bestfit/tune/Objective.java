package bestfit.tune;

import java.util.List;
import java.util.Locale;
import java.util.Map;

/** What a campaign makes better: which of compressa-perf's metrics the score is the geometric mean of. */
public enum Objective {
    /** Time to first token, latency, input and output throughput alike. */
    SCORE,
    THROUGHPUT,
    LATENCY;

    /** Seconds, lower is better. */
    public static final String TTFT = "TTFT";

    /** Seconds, lower is better. */
    public static final String LATENCY_SECONDS = "LATENCY";

    /** Tokens per second, higher is better. */
    public static final String INPUT = "THROUGHPUT_INPUT_TOKENS";

    /** Tokens per second, higher is better. */
    public static final String OUTPUT = "THROUGHPUT_OUTPUT_TOKENS";

    /** All that any objective looks at, in the guide's order. */
    public static final List<String> METRICS = List.of(TTFT, INPUT, OUTPUT, LATENCY_SECONDS);

    private static final Map<String, String> WORDS =
            Map.of(TTFT, "TTFT", LATENCY_SECONDS, "latency", INPUT, "input throughput", OUTPUT, "output throughput");

    /** Names of compressa-perf's metrics. */
    public List<String> metrics() {
        return switch (this) {
            case SCORE -> METRICS;
            case THROUGHPUT -> List.of(INPUT, OUTPUT);
            case LATENCY -> List.of(TTFT, LATENCY_SECONDS);
        };
    }

    public static boolean higherIsBetter(String metric) {
        return metric.startsWith("THROUGHPUT");
    }

    /** The natural logarithm of a value, turned so that more is better. */
    static double gain(String metric, double value) {
        return higherIsBetter(metric) ? Math.log(value) : -Math.log(value);
    }

    /** The metric in a sentence. */
    public static String words(String metric) {
        return WORDS.getOrDefault(metric, metric);
    }

    /** For people, such as {@code geometric mean over TTFT and latency of all experiments}. */
    public String sentence() {
        var words = metrics().stream().map(Objective::words).toList();
        return "geometric mean over " + String.join(", ", words.subList(0, words.size() - 1)) + " and "
                + words.getLast() + " of all experiments";
    }

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
