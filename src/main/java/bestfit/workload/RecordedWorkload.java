package bestfit.workload;

import bestfit.config.ConfigException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.SortedMap;
import java.util.stream.IntStream;

/**
 * The load that a vLLM server had between two looks at its own counters; no prompt is read. Lengths are known as far as the
 * server's buckets tell, and each bucket's lengths are taken as alike.
 *
 * @param prompt lengths with the chat template's tokens
 * @param cachedShare of prompt tokens that the prefix cache held
 * @param meanRunning requests that ran or waited, mean over the looks
 * @param inTurn engines that were met behind one address
 * @param restarts of the server between two looks
 */
public record RecordedWorkload(
        LengthDistribution.Histogram prompt,
        LengthDistribution.Histogram output,
        long requests,
        double seconds,
        double cachedShare,
        double meanRunning,
        int inTurn,
        int restarts) {
    private static final String PROMPT = "vllm:request_prompt_tokens";
    private static final String OUTPUT = "vllm:request_generation_tokens";
    private static final int BLOCK = 16;

    /** One look at {@code /metrics}. */
    public record Look(double seconds, String text) {}

    /**
     * From looks in the order they were taken. A server that was started anew between two of them counts from
     * zero; what ended in between is not known. Behind a balanced port each look may meet another engine: each is compared with
     * the last look at the same one.
     *
     * @throws ConfigException if no request ended between them
     */
    public static RecordedWorkload of(List<Look> looks) {
        if (looks.size() < 2) {
            throw new ConfigException(
                    "The server was seen only once, too little to tell a load; record again while it answers.");
        }
        var engines = RecordedEngines.of(looks);
        var prompt = histogram(engines.ended(PROMPT), PROMPT);
        var output = histogram(engines.ended(OUTPUT), OUTPUT);
        double queries = engines.increase("vllm:prefix_cache_queries_total", "vllm:gpu_prefix_cache_queries_total");
        double hits = engines.increase("vllm:prefix_cache_hits_total", "vllm:gpu_prefix_cache_hits_total");
        double running = engines.inTurn()
                * looks.stream()
                        .mapToDouble(
                                look -> sum(look, "vllm:num_requests_running") + sum(look, "vllm:num_requests_waiting"))
                        .average()
                        .orElse(0);
        long requests = prompt.counts().stream().mapToLong(Long::longValue).sum();
        double seconds = looks.getLast().seconds() - looks.getFirst().seconds();
        return new RecordedWorkload(
                prompt,
                output,
                requests,
                seconds,
                queries > 0 ? hits / queries : 0,
                running,
                engines.inTurn(),
                engines.restarts(PROMPT));
    }

    private static double sum(Look look, String name) {
        return MetricSample.of(look.text(), name)
                .mapToDouble(MetricSample::value)
                .sum();
    }

    private static LengthDistribution.Histogram histogram(SortedMap<Double, Long> ended, String name) {
        if (ended.isEmpty()) {
            throw new ConfigException(
                    "The metrics have no " + name + "_bucket; it takes the /metrics of a vLLM server.");
        }
        if (ended.values().stream().allMatch(count -> count == 0)) {
            throw new ConfigException("No request ended while it was recorded; record longer, or under load.");
        }
        var upTo = new ArrayList<Integer>();
        var counts = new ArrayList<Long>();
        ended.forEach((edge, count) -> {
            // the open bucket ends at twice the last edge
            upTo.add(Double.isInfinite(edge) ? 2 * (upTo.isEmpty() ? 1 : upTo.getLast()) : (int) Math.max(1, edge));
            counts.add(count);
        });
        return trimmed(upTo, counts);
    }

    /** Buckets above the last with a count say nothing. */
    private static LengthDistribution.Histogram trimmed(List<Integer> upTo, List<Long> counts) {
        int last = IntStream.range(0, counts.size())
                .filter(i -> counts.get(i) > 0)
                .max()
                .orElseThrow();
        return new LengthDistribution.Histogram(upTo.subList(0, last + 1), counts.subList(0, last + 1));
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
        if (inTurn > 1) {
            text.insert(
                    0,
                    "# Behind the address " + inTurn
                            + " engines answered in turn: what each counted from its first look to its last is added up.\n");
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
