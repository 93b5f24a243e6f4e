package bestfit.perf;

/**
 * How far a measurement may lie from its prediction: what is not known of the constants, by the share of time that each
 * part of the work takes, together with what the model leaves out; times a factor for what the prediction rests on, which
 * {@code bench/fit-perf} sets so that 90 % of rows lie inside whose table was left out of the fit (split conformal
 * prediction; Papadopoulos 2002, with normalised residuals).
 */
final class Spread {
    private static final double MODEL = 0.06;
    private static final double MODEL_TTFT = 0.14;

    private final Instance on;
    private final Constants constants;
    private final Prediction.Basis basis;
    private final Service service;

    Spread(Instance on, Constants constants, Prediction.Basis basis, Service service) {
        this.on = on;
        this.constants = constants;
        this.basis = basis;
        this.service = service;
    }

    Estimate around(String figure, double value) {
        return Estimate.within(
                value, Math.min(3, deviation(figure) * constants.get("spread." + key(basis) + "." + kind(figure))));
    }

    static String key(Prediction.Basis basis) {
        return switch (basis) {
            case MEASURED_HERE -> "measured";
            case SAME_GPU -> "same";
            case SIMILAR_GPU -> "similar";
            case SPEC_SHEET -> "sheet";
        };
    }

    static String kind(String figure) {
        return figure.startsWith("ttft") ? "ttft" : figure.endsWith("_ms_mean") ? "time" : "rate";
    }

    /** Standard deviation of the figure's logarithm. */
    double deviation(String figure) {
        var spent = service.spent();
        double all = Math.max(1e-9, spent.weights() + spent.attention() + spent.communication() + spent.cpu());
        var like = StepTimeModel.family(on.gpu(), constants);
        boolean host = !on.link().nvlink() && !on.link().peerToPeer();
        var ring = "ar." + (host ? "host" : on.link().kind()) + "." + (on.tp() <= 2 ? 2 : on.tp() <= 4 ? 4 : 8);
        var version = on.settings().version();
        var kind = version.v0() ? "v0" : version.async() ? "async" : "sync";
        double square = square(spent.weights() / all, like + ".bw")
                + square(spent.weights() / all, like + ".flops")
                + square(spent.attention() / all, like + ".attentionBw")
                + square(spent.communication() / all, on.tp() > 1 ? ring + ".bus" : "pp.handoverUs")
                + square(spent.cpu() / all, "cpu." + kind + "StepMs")
                + square(service.bubble(), "pp.bubble");
        double model = figure.startsWith("ttft") ? MODEL_TTFT : MODEL;
        // Beyond a server's capacity small errors of the capacity become large ones of the queue.
        double queue = figure.startsWith("ttft") ? Math.min(1, 0.5 * service.queued()) : 0;
        return Math.sqrt(square + model * model + queue * queue);
    }

    private double square(double share, String name) {
        double off = share * constants.doubt(name);
        return off * off;
    }
}
