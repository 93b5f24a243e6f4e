package bestfit.engine;

import org.jspecify.annotations.Nullable;

/** Rotary position embedding in the NeoX style: dimension i turns with dimension i + half. Immutable. */
final class Rotary {
    private final int half;
    private final float[] cosines;
    private final float[] sines;

    Rotary(int headDim, int positions, double theta) {
        half = headDim / 2;
        cosines = new float[positions * half];
        sines = new float[positions * half];
        for (int i = 0; i < half; i++) {
            double frequency = Math.pow(theta, -2.0 * i / headDim);
            for (int p = 0; p < positions; p++) {
                cosines[p * half + i] = (float) Math.cos(p * frequency);
                sines[p * half + i] = (float) Math.sin(p * frequency);
            }
        }
    }

    /** Normalises (when the architecture does) and turns the heads that start at {@code offset}, in place. */
    void apply(float[] row, int offset, int heads, int position, float @Nullable [] norm, double epsilon) {
        for (int head = 0; head < heads; head++) {
            int from = offset + head * 2 * half;
            if (norm != null) {
                normalise(row, from, norm, epsilon);
            }
            for (int i = 0; i < half; i++) {
                float cos = cosines[position * half + i];
                float sin = sines[position * half + i];
                float a = row[from + i];
                float b = row[from + half + i];
                row[from + i] = a * cos - b * sin;
                row[from + half + i] = b * cos + a * sin;
            }
        }
    }

    private static void normalise(float[] row, int from, float[] norm, double epsilon) {
        float squares = 0;
        for (int i = 0; i < norm.length; i++) {
            squares += row[from + i] * row[from + i];
        }
        float scale = (float) (1 / Math.sqrt(squares / norm.length + epsilon));
        for (int i = 0; i < norm.length; i++) {
            row[from + i] *= scale * norm[i];
        }
    }
}
