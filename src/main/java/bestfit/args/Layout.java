package bestfit.args;

/** How a deployment spreads over devices: {@code instances} engines of {@code tp × pp} devices each. */
public record Layout(int tp, int pp, int instances) {
    public Layout {
        if (tp < 1 || pp < 1 || instances < 1) {
            throw new IllegalArgumentException("tp, pp and instances start at 1: " + tp + ", " + pp + ", " + instances);
        }
    }

    public int devicesPerInstance() {
        return tp * pp;
    }

    /** The guide's rule: as many instances as the devices hold. */
    public static Layout filling(int tp, int pp, int devices) {
        return new Layout(tp, pp, Math.max(1, devices / (tp * pp)));
    }

    @Override
    public String toString() {
        return "TP " + tp + " PP " + pp + " ×" + instances;
    }
}
