package bestfit.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.SplittableRandom;
import java.util.function.IntToDoubleFunction;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class DistributionTest {
    @Test
    void percentiles_areThoseOfTheSortedSample() {
        var random = new SplittableRandom(1);
        for (int size : new int[] {1, 2, 3, 64, 65, 100, 1000, 20_001}) {
            agrees(size, _ -> random.nextDouble());
            agrees(size, _ -> random.nextInt(3)); // few values, each many times
            agrees(size, _ -> 7);
            agrees(size, i -> i);
            agrees(size, i -> -i);
            agrees(size, i -> Math.min(i, size - i));
            agrees(size, _ -> Math.exp(100 * random.nextGaussian())); // nearly all beside the least, at any scale
            agrees(size, i -> i % 100 == 0 ? 1e300 : 20 + random.nextInt(8) * Double.MIN_NORMAL);
            agrees(size, i -> i % 2 == 0 ? 0.5 * Double.MAX_VALUE : -0.5 * Double.MAX_VALUE);
        }
    }

    private static void agrees(int size, IntToDoubleFunction value) {
        var sample = IntStream.range(0, size).mapToDouble(value).toArray();
        var kept = sample.clone();
        var found = Distribution.of(sample);
        assertThat(sample).isEqualTo(kept);
        assertThat(new double[] {found.min(), found.p50(), found.p90(), found.p95(), found.p99(), found.max()})
                .isEqualTo(new double[] {
                    Summary.percentile(sample, 0),
                    Summary.percentile(sample, 0.5),
                    Summary.percentile(sample, 0.9),
                    Summary.percentile(sample, 0.95),
                    Summary.percentile(sample, 0.99),
                    Summary.percentile(sample, 1)
                });
    }
}
