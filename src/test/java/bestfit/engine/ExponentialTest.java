package bestfit.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.SplittableRandom;
import jdk.incubator.vector.FloatVector;
import org.junit.jupiter.api.Test;

class ExponentialTest {
    private static final double LEAST = -87.3;
    private static final double GREATEST = 88.3;

    @Test
    void isWithinTwoUlpAndTheSameInVectorsAsAlone() {
        var random = new SplittableRandom(1);
        var species = FloatVector.SPECIES_PREFERRED;
        var x = new float[species.length()];
        var y = new float[species.length()];
        for (int round = 0; round < 50_000; round++) {
            for (int i = 0; i < x.length; i++) {
                // Most arguments near 0, where softmax has its weight.
                double spread = round % 2 == 0 ? 1 : 0.01;
                x[i] = (float) (random.nextDouble(LEAST, GREATEST) * spread);
            }
            Exponential.of(FloatVector.fromArray(species, x, 0)).intoArray(y, 0);
            for (int i = 0; i < x.length; i++) {
                double exact = Math.exp(x[i]);
                assertThat(Math.abs(y[i] - exact)).as("exp(%s)", x[i]).isLessThanOrEqualTo(2 * Math.ulp((float) exact));
                assertThat(Exponential.of(x[i])).isEqualTo(y[i]);
            }
        }
    }

    @Test
    void staysFiniteBeyondItsRangeAndKeepsNaN() {
        assertThat(Exponential.of(0f)).isEqualTo(1f);
        assertThat(Exponential.of(Float.NEGATIVE_INFINITY)).isBetween(0f, 1.3e-38f);
        assertThat(Exponential.of(1000f)).isFinite();
        assertThat(Exponential.of(Float.NaN)).isNaN();
    }
}
