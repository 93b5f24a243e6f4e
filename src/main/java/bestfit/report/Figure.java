package bestfit.report;

import bestfit.metrics.BenchMetrics;
import bestfit.metrics.MeanEstimate;
import java.util.LinkedHashMap;
import java.util.SequencedMap;

/**
 * One figure of a result.
 *
 * @param p50 NaN where the result does not tell it
 * @param p99 NaN where the result does not tell it
 */
public record Figure(MeanEstimate estimate, double p50, double p99) {
    /** The figures that two results are compared by; gaps are left out, their mean is TPOT again. */
    static SequencedMap<String, Figure> of(BenchMetrics metrics) {
        var figures = new LinkedHashMap<String, Figure>();
        metrics.times().forEach((name, d) -> {
            if (isCompared(name) && !Double.isNaN(d.low())) {
                figures.put(
                        name,
                        new Figure(MeanEstimate.ofInterval(d.mean(), d.low(), d.high(), d.count()), d.p50(), d.p99()));
            }
        });
        metrics.rates().forEach((name, rate) -> {
            if (isCompared(name) && !figures.isEmpty()) {
                figures.put(name, rate(rate.mean(), rate.low(), rate.high()));
            }
        });
        return figures;
    }

    static Figure rate(double mean, double low, double high) {
        return new Figure(MeanEstimate.ofInterval(mean, low, high, BenchMetrics.WINDOWS), Double.NaN, Double.NaN);
    }

    /** Of a rate; of a time less is. */
    static boolean moreIsBetter(String name) {
        return name.equals("output_tok_s");
    }

    static boolean isCompared(String name) {
        return switch (name) {
            case "ttft_ms", "first_response_ms", "tpot_ms", "e2e_ms", "output_tok_s" -> true;
            default -> false;
        };
    }
}
