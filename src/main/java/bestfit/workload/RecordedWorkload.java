package bestfit.workload;

import bestfit.config.ConfigException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.IntStream;

/**
 * The load that a vLLM server had between two looks at its own counters; no prompt is read. Lengths are known as far as the
 * server's buckets tell, and each bucket's lengths are taken as alike.
 *
 * @param prompt lengths with the chat template's tokens
 * @param cachedShare of prompt tokens that the prefix cache held
 * @param meanRunning requests that ran or waited, mean over the looks
 * @param restarts of the server between two looks
 */
public record RecordedWorkload(
        LengthDistribution.Histogram prompt,
        LengthDistribution.Histogram output,
        long requests,
        double seconds,
        double cachedShare,
        double meanRunning,
        int restarts) {
    private static final String PROMPT = "vllm:request_prompt_tokens";
    private static final String OUTPUT = "vllm:request_generation_tokens";
    private static final int BLOCK = 16;

    /** One look at {@code /metrics}. */
    public record Look(double seconds, String text) {}

    /**
     * From looks in the order they were taken, at least two. A server that was started anew between two of them counts from
     * zero; what ended in between is not known.
     *
     * @throws ConfigException if no request ended between them
     */
    public static RecordedWorkload of(List<Look> looks) {
        var prompt = between(looks, PROMPT);
        var output = between(looks, OUTPUT);
        double queries = increase(looks, "vllm:prefix_cache_queries_total");
        double hits = increase(looks, "vllm:prefix_cache_hits_total");
        double running = looks.stream()
                .mapToDouble(look ->
                        sum(look.text(), "vllm:num_requests_running") + sum(look.text(), "vllm:num_requests_waiting"))
                .average()
                .orElse(0);
        long requests = prompt.counts().stream().mapToLong(Long::longValue).sum();
        double seconds = looks.getLast().seconds() - looks.getFirst().seconds();
        return new RecordedWorkload(
                prompt, output, requests, seconds, queries > 0 ? hits / queries : 0, running, restarts(looks));
    }

    private static int restarts(List<Look> looks) {
        return (int) IntStream.range(1, looks.size())
                .filter(i -> isAnew(
                        cumulative(looks.get(i - 1).text(), PROMPT),
                        cumulative(looks.get(i).text(), PROMPT)))
                .count();
    }

    private static boolean isAnew(Map<Double, Long> before, Map<Double, Long> now) {
        return before.entrySet().stream().anyMatch(bucket -> now.getOrDefault(bucket.getKey(), 0L) < bucket.getValue());
    }

    private static LengthDistribution.Histogram between(List<Look> looks, String name) {
        var ended = new TreeMap<Double, Long>();
        var before = cumulative(looks.getFirst().text(), name);
        for (var look : looks.subList(1, looks.size())) {
            var now = cumulative(look.text(), name);
            boolean anew = isAnew(before, now);
            for (var bucket : now.entrySet()) {
                long already = anew ? 0 : before.getOrDefault(bucket.getKey(), 0L);
                ended.merge(bucket.getKey(), bucket.getValue() - already, Long::sum);
            }
            before = now;
        }
        if (ended.isEmpty()) {
            throw new ConfigException(
                    "The metrics have no " + name + "_bucket; it takes the /metrics of a vLLM server.");
        }
        return histogram(ended);
    }

    private static LengthDistribution.Histogram histogram(SortedMap<Double, Long> cumulative) {
        var upTo = new ArrayList<Integer>();
        var counts = new ArrayList<Long>();
        long below = 0;
        for (var bucket : cumulative.entrySet()) {
            double edge = bucket.getKey();
            // the open bucket ends at twice the last edge
            upTo.add(Double.isInfinite(edge) ? 2 * (upTo.isEmpty() ? 1 : upTo.getLast()) : (int) Math.max(1, edge));
            counts.add(bucket.getValue() - below);
            below = bucket.getValue();
        }
        if (below == 0) {
            throw new ConfigException("No request ended while it was recorded; record longer, or under load.");
        }
        return trimmed(upTo, counts);
    }

    private static double increase(List<Look> looks, String name) {
        double all = 0;
        for (int i = 1; i < looks.size(); i++) {
            double before = sum(looks.get(i - 1).text(), name);
            double now = sum(looks.get(i).text(), name);
            all += now < before ? now : now - before;
        }
        return all;
    }

    /** Buckets above the last with a count say nothing. */
    private static LengthDistribution.Histogram trimmed(List<Integer> upTo, List<Long> counts) {
        int last = IntStream.range(0, counts.size())
                .filter(i -> counts.get(i) > 0)
                .max()
                .orElseThrow();
        return new LengthDistribution.Histogram(upTo.subList(0, last + 1), counts.subList(0, last + 1));
    }

    /** Requests with at most so many tokens, by bucket edge, all engines and models together. */
    private static TreeMap<Double, Long> cumulative(String text, String name) {
        var buckets = new TreeMap<Double, Long>();
        text.lines().filter(line -> line.startsWith(name + "_bucket{")).forEach(line -> {
            int edge = line.indexOf("le=\"") + 4;
            var le = line.substring(edge, line.indexOf('"', edge));
            buckets.merge(
                    le.equals("+Inf") ? Double.POSITIVE_INFINITY : Double.parseDouble(le),
                    (long) value(line),
                    Long::sum);
        });
        return buckets;
    }

    private static double sum(String text, String name) {
        return text.lines()
                .filter(line -> line.startsWith(name + "{") || line.startsWith(name + " "))
                .mapToDouble(RecordedWorkload::value)
                .sum();
    }

    private static double value(String line) {
        return Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1));
    }

    /**
     * A file of the workload schema.
     *
     * @param closed users as many as ran in the mean, in place of a rate
     */
    public String yaml(String source, boolean closed) {
        int cached = (int) Math.round(cachedShare * prompt.mean() / BLOCK) * BLOCK;
        var text = new StringBuilder(String.format(
                Locale.ROOT,
                "# recorded from %s: %d requests ended in %.0f s, %.2f a second; %.1f under way in the mean;%n"
                        + "# %.0f %% of the prompt tokens were in the prefix cache. Lengths are the server's buckets, the chat template's tokens with them.%n"
                        + "name: recorded%nload:%n",
                source,
                requests,
                seconds,
                requests / seconds,
                meanRunning,
                100 * cachedShare));
        if (restarts > 0) {
            text.insert(
                    0,
                    "# The server was started anew meanwhile (times seen: " + restarts
                            + "); what ended just before is missing.\n");
        }
        text.append(
                closed
                        ? "  users: " + Math.max(1, Math.round(meanRunning)) + "\n"
                        : String.format(Locale.ROOT, "  rate: %.4f%n", requests / seconds));
        text.append("  requests: ").append(requests).append('\n');
        text.append("prompt:\n  tokens: ")
                .append((cached > 0 ? less(prompt, cached) : prompt).text())
                .append('\n');
        if (cached > 0) {
            text.append("  shared_prefix_tokens: ").append(cached).append('\n');
        }
        return text.append("output:\n  tokens: ")
                .append(output.text())
                .append('\n')
                .toString();
    }

    /** What is left of each prompt without its shared beginning. */
    private static LengthDistribution.Histogram less(LengthDistribution.Histogram lengths, int prefix) {
        var upTo = new ArrayList<Integer>();
        var counts = new ArrayList<Long>();
        for (int i = 0; i < lengths.upTo().size(); i++) {
            int edge = Math.max(1, lengths.upTo().get(i) - prefix);
            if (!upTo.isEmpty() && upTo.getLast() == edge) {
                counts.set(
                        counts.size() - 1, counts.getLast() + lengths.counts().get(i));
            } else {
                upTo.add(edge);
                counts.add(lengths.counts().get(i));
            }
        }
        return new LengthDistribution.Histogram(upTo, counts);
    }
}
