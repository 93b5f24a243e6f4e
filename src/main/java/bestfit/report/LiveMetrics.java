package bestfit.report;

import bestfit.metrics.Measurement;
import bestfit.metrics.MeasurementSink;
import bestfit.metrics.RequestFailure;
import java.util.List;
import java.util.TreeMap;

/**
 * What a run has measured so far, in Prometheus' text format; counters and histograms, so that a scraper sees rates and
 * percentiles of any time span. Passes every measurement on first. Thread-safe.
 */
public final class LiveMetrics implements MeasurementSink {
    /** Of Prometheus' text format. */
    public static final String CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

    private static final double[] FIRST_TOKEN = {
        .001, .005, .01, .02, .04, .06, .08, .1, .25, .5, .75, 1, 2.5, 5, 7.5, 10, 20, 40, 80, 160, 640
    };
    private static final double[] EACH_TOKEN = {.005, .01, .025, .05, .075, .1, .15, .2, .3, .4, .5, .75, 1, 2.5, 5, 10
    };
    private static final double[] WHOLE = {.1, .3, .5, .8, 1, 1.5, 2, 2.5, 5, 10, 15, 20, 30, 40, 50, 60, 120, 240, 960
    };

    private final MeasurementSink next;
    private final TreeMap<String, Long> ended = new TreeMap<>();
    private final Histogram ttft = new Histogram("time_to_first_token_seconds", FIRST_TOKEN);
    private final Histogram tpot = new Histogram("time_per_output_token_seconds", EACH_TOKEN);
    private final Histogram e2e = new Histogram("e2e_request_latency_seconds", WHOLE);
    private long inputTokens;
    private long outputTokens;

    public LiveMetrics(MeasurementSink next) {
        this.next = next;
        ended.put("ok", 0L);
    }

    @Override
    public void acceptAll(List<Measurement> measurements) {
        next.acceptAll(measurements);
        synchronized (this) {
            measurements.forEach(this::count);
        }
    }

    private void count(Measurement m) {
        var failure = m.failure();
        if (failure != null) {
            var kind = RequestFailure.of(failure).map(RequestFailure::label).orElse("other");
            ended.merge(kind.replace(' ', '_'), 1L, Long::sum);
            return;
        }
        ended.merge("ok", 1L, Long::sum);
        inputTokens += m.inputTokens();
        outputTokens += m.outputTokens();
        if (m.firstTokenNanos() != Measurement.NEVER) {
            ttft.add((m.firstTokenNanos() - m.startNanos()) / 1e9);
            if (m.outputTokens() > 1) {
                tpot.add((m.lastTokenNanos() - m.firstTokenNanos()) / 1e9 / (m.outputTokens() - 1));
            }
        }
        e2e.add((m.endNanos() - m.startNanos()) / 1e9);
    }

    /** The page to be scraped. */
    public synchronized String text() {
        var text = new StringBuilder(4096);
        text.append("# TYPE bestfit_bench_requests_total counter\n");
        ended.forEach((outcome, count) -> text.append("bestfit_bench_requests_total{outcome=\"")
                .append(outcome)
                .append("\"} ")
                .append(count)
                .append('\n'));
        counter(text, "input_tokens_total", inputTokens);
        counter(text, "output_tokens_total", outputTokens);
        List.of(ttft, tpot, e2e).forEach(histogram -> histogram.write(text));
        return text.toString();
    }

    private static void counter(StringBuilder text, String name, long value) {
        text.append("# TYPE bestfit_bench_").append(name).append(" counter\nbestfit_bench_");
        text.append(name).append(' ').append(value).append('\n');
    }

    private static final class Histogram {
        private final String name;
        private final double[] bounds;
        private final long[] counts;
        private double sum;

        Histogram(String name, double[] bounds) {
            this.name = "bestfit_bench_" + name;
            this.bounds = bounds;
            this.counts = new long[bounds.length + 1];
        }

        void add(double seconds) {
            int bucket = 0;
            while (bucket < bounds.length && seconds > bounds[bucket]) {
                bucket++;
            }
            counts[bucket]++;
            sum += seconds;
        }

        void write(StringBuilder text) {
            text.append("# TYPE ").append(name).append(" histogram\n");
            long below = 0;
            for (int i = 0; i < counts.length; i++) {
                below += counts[i];
                text.append(name)
                        .append("_bucket{le=\"")
                        .append(i < bounds.length ? Double.toString(bounds[i]) : "+Inf")
                        .append("\"} ")
                        .append(below)
                        .append('\n');
            }
            text.append(name).append("_sum ").append(sum).append('\n');
            text.append(name).append("_count ").append(below).append('\n');
        }
    }
}
