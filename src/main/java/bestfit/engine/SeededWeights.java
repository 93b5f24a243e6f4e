package bestfit.engine;

import java.util.SplittableRandom;

/**
 * Weights drawn from a seed. Each tensor has its own stream, so that it is the same however a model is split. Spreads
 * are those of a fresh transformer: {@code 1/√inputs}, residual writers less by {@code √(2·layers)}; the embedding is
 * small beside what the layers add, else a tied model would repeat its last token for ever, and the final norm makes
 * the logits as peaked as a trained model's.
 */
record SeededWeights(long seed, int layers) implements WeightSource {

    @Override
    public float[] tensor(String name, int rows, int columns, Role role) {
        var random = new SplittableRandom(seed * 0x9E3779B97F4A7C15L ^ name.hashCode());
        double deviation = switch (role) {
            case EMBEDDING -> 0.05;
            case INPUT -> 1 / Math.sqrt(columns);
            case OUTPUT -> 1 / Math.sqrt(columns) * 2 / Math.sqrt(2.0 * layers);
            case NORM, FINAL_NORM, BIAS -> 0.05;
        };
        float mean = switch (role) {
            case NORM -> 1;
            case FINAL_NORM -> 3;
            case EMBEDDING, INPUT, OUTPUT, BIAS -> 0;
        };
        // Uniform over ±√3 deviations: cheaper than a normal distribution, and products of many are normal anyway.
        float unit = (float) (deviation * Math.sqrt(3) * 0x1p-31);
        var values = new float[Math.multiplyExact(rows, columns)];
        for (int i = 0; i < values.length; i++) {
            values[i] = mean + random.nextInt() * unit;
        }
        return values;
    }

    @Override
    public void close() {}
}
