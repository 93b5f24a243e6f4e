package bestfit.perf;

/** A figure with the interval that holds it in 90 % of cases. */
public record Estimate(double value, double low, double high) {
    public static Estimate exactly(double value) {
        return new Estimate(value, value, value);
    }

    /** @param spread natural logarithm of how far the interval reaches to either side, 0.1 is about 10 % */
    public static Estimate within(double value, double spread) {
        return new Estimate(value, value * Math.exp(-spread), value * Math.exp(spread));
    }
}
