package bestfit.engine;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/**
 * e to the power of x by the polynomial of Cephes' {@code expf}, within 2 ulp from -87.3 to 88.3; beyond these the result
 * of the limit. Built from operations that are rounded exactly, so the interpreter, both compilers and every vector width
 * give the same bits, which {@link VectorOperators#EXP} does not promise.
 */
final class Exponential {
    private static final float LEAST = -87.33f;
    private static final float GREATEST = 88.37f;
    private static final float LOG2_E = 1.442695f;
    private static final float LN_2_HIGH = 0.6933594f;
    private static final float LN_2_LOW = -0.00021219444f;

    /** Adding this rounds to a whole number and leaves it in the lowest bits. */
    private static final float ROUNDER = 0x1.8p23f;

    private static final int MANTISSA_BITS = 23;
    private static final int ONE_BITS = Float.floatToRawIntBits(1f);
    private static final float P0 = 0.00019875691f;
    private static final float P1 = 0.0013981999f;
    private static final float P2 = 0.008333452f;
    private static final float P3 = 0.041665796f;
    private static final float P4 = 0.16666666f;
    private static final float P5 = 0.5f;

    private Exponential() {}

    static FloatVector of(FloatVector v) {
        var species = v.species();
        var x = v.max(LEAST).min(GREATEST);
        var rounded = x.fma(FloatVector.broadcast(species, LOG2_E), FloatVector.broadcast(species, ROUNDER));
        var whole = rounded.sub(ROUNDER);
        var rest = whole.fma(FloatVector.broadcast(species, -LN_2_HIGH), x);
        rest = whole.fma(FloatVector.broadcast(species, -LN_2_LOW), rest);
        var sum = FloatVector.broadcast(species, P0);
        sum = sum.fma(rest, FloatVector.broadcast(species, P1));
        sum = sum.fma(rest, FloatVector.broadcast(species, P2));
        sum = sum.fma(rest, FloatVector.broadcast(species, P3));
        sum = sum.fma(rest, FloatVector.broadcast(species, P4));
        sum = sum.fma(rest, FloatVector.broadcast(species, P5));
        sum = sum.fma(rest.mul(rest), rest).add(1);
        var power = rounded.reinterpretAsInts()
                .lanewise(VectorOperators.LSHL, MANTISSA_BITS)
                .add(ONE_BITS)
                .reinterpretAsFloats();
        return sum.mul(power);
    }

    static float of(float v) {
        float x = Math.min(Math.max(v, LEAST), GREATEST);
        float rounded = Math.fma(x, LOG2_E, ROUNDER);
        float whole = rounded - ROUNDER;
        float rest = Math.fma(whole, -LN_2_HIGH, x);
        rest = Math.fma(whole, -LN_2_LOW, rest);
        float sum = Math.fma(P0, rest, P1);
        sum = Math.fma(sum, rest, P2);
        sum = Math.fma(sum, rest, P3);
        sum = Math.fma(sum, rest, P4);
        sum = Math.fma(sum, rest, P5);
        sum = Math.fma(sum, rest * rest, rest) + 1;
        float power = Float.intBitsToFloat((Float.floatToRawIntBits(rounded) << MANTISSA_BITS) + ONE_BITS);
        return sum * power;
    }
}
