package bestfit.perf;

import java.util.HashMap;
import java.util.Map;
import java.util.TreeSet;
import java.util.function.DoubleFunction;
import java.util.function.ToDoubleFunction;

/**
 * How far a measurement may lie from its prediction. Of each constant that the work asks for, its doubt and what servers
 * differ by count by how much a typical request's time moves with it (the delta method); what one server's CPU does faster or
 * slower it does in every step. To that comes what the model leaves out. All is
 * multiplied by a factor for what the prediction rests on, which {@code bench/fit-perf} sets so that 90 % of rows lie inside
 * whose table was left out of the fit (split conformal prediction with normalised residuals, Papadopoulos 2002; every table
 * counts alike, since the next server is a new table and no row of a known one: Dunn, Wasserman, Ramdas 2022).
 */
final class Spread {
    /** How much hosts differ from one another, as the fit of nine hosts' CPUs shows, and cards of one kind: of logarithms. */
    static final double HOST = 0.4;

    /**
     * The same of the CPU's time for each running request, which server, clients and proxies on one host fight for: 5 to 20 µs in the
     * middle, 40 to 200 on the servers of cloudrift's and akamas' tables with hundreds of streams.
     */
    private static final double STREAMS = 1;

    static final double CARD = 0.1;

    /** The same of cards of one generation: clocks and power limits. */
    private static final double OTHER_CARD = 0.2;

    private static final double MODEL = 0.06;
    private static final double MODEL_TTFT = 0.14;

    /** Of the share of time in which a pipeline's first stage waits. */
    private static final double PIPELINE = 0.5;

    private static final double NUDGE = 0.03;

    /** Deviations that one host of ten is off. */
    private static final double FAR = 1.645;

    private static final double MOST = 3;

    private final Instance on;
    private final Constants constants;
    private final Prediction.Basis basis;
    private final Load load;
    private final Service service;
    private final Map<String, Double> known = new HashMap<>();

    Spread(Instance on, Constants constants, Prediction.Basis basis, Load load, Service service) {
        this.on = on;
        this.constants = constants;
        this.basis = basis;
        this.load = load;
        this.service = service;
    }

    Estimate around(String figure, double value) {
        double reach = deviation(figure) * constants.get("spread." + key(basis) + "." + kind(figure));
        return Estimate.within(value, Math.min(MOST, reach));
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
        return known.computeIfAbsent(kind(figure), this::ofKind);
    }

    private double ofKind(String kind) {
        boolean first = kind.equals("ttft");
        double square = square(first ? this::firstToken : this::request);
        if (kind.equals("rate") && load.ratePerSecond() > 0) {
            square = arrivals(square);
        }
        double model = first ? MODEL_TTFT : MODEL;
        double pipeline = PIPELINE * service.bubble();
        // Beyond a server's capacity small errors of the capacity become large ones of the queue.
        double queue = first ? Math.min(1, 0.5 * service.queued()) : 0;
        return Math.sqrt(square + model * model + pipeline * pipeline + queue * queue);
    }

    /** What arrives decides an open loop's rate, by the chance of its gaps, as far as the server keeps up with it. */
    private double arrivals(double square) {
        double behind = Math.clamp(1 - service.requestsPerSecond() / load.ratePerSecond(), 0, 1);
        return square * behind * behind + 1 / Math.max(1, load.requests());
    }

    private double square(ToDoubleFunction<Constants> work) {
        var names = new TreeSet<String>();
        double before = work.applyAsDouble(constants.noting(names));
        boolean elsewhere = basis != Prediction.Basis.MEASURED_HERE;
        double square = 0;
        for (var name : names) {
            double after = work.applyAsDouble(constants.with(name, constants.get(name) * Math.exp(NUDGE)));
            double slope = Math.log(after / before) / NUDGE;
            boolean cpu = name.startsWith("cpu.");
            double doubt = Math.hypot(constants.doubt(name), elsewhere && !cpu ? between(name) : 0);
            square += slope * slope * doubt * doubt;
        }
        if (elsewhere) {
            var sequences = "cpu." + on.settings().version().kind() + "SequenceUs";
            double host = host(work, before, HOST, factor -> constants.scaled("cpu.", factor));
            double streams = host(work, before, STREAMS, factor -> constants.scaled(sequences, factor));
            square += host * host + streams * streams;
        }
        return square;
    }

    /**
     * A slow CPU shows where it no longer hides behind the GPU, which a slope does not tell: hosts are tried as far off as one of
     * ten is (sigma points, Julier and Uhlmann 1997), and the larger of both changes counts.
     */
    private static double host(
            ToDoubleFunction<Constants> work, double before, double deviation, DoubleFunction<Constants> scaled) {
        double slow = work.applyAsDouble(scaled.apply(Math.exp(FAR * deviation)));
        double fast = work.applyAsDouble(scaled.apply(Math.exp(-FAR * deviation)));
        return Math.max(Math.log(slow / before), Math.log(before / fast)) / FAR;
    }

    private double between(String name) {
        return basis == Prediction.Basis.SAME_GPU ? unmeasured(name) : Math.max(OTHER_CARD, unmeasured(name));
    }

    /** What servers differ by in a constant. */
    static double unmeasured(String name) {
        return name.startsWith("cpu.") || name.startsWith("ar.host") ? HOST : CARD;
    }

    /** Seconds that the server works for one request: its share of the prompts' steps and of the decode steps. */
    private double request(Constants by) {
        var steps = new StepTimeModel(on, by);
        double running = running();
        double context = load.meanInput() + load.meanOutput() / 2;
        return prompt(steps, running, context)
                + load.meanOutput()
                        / running
                        * steps.of(Step.decode(running, context)).seconds();
    }

    private double prompt(StepTimeModel steps, double running, double context) {
        double kept = on.settings().prefixCache() ? Math.min(load.sharedPrefix(), load.meanInput() - 1) : 0;
        double fresh = load.meanInput() - kept;
        double chunk = Math.min(fresh, on.settings().maxBatchedTokens());
        return fresh
                / chunk
                * steps.of(Step.mixed(chunk, kept + (fresh - chunk) / 2, running - 1, context))
                        .seconds();
    }

    /** Seconds to the first token of a request that need not wait for a place. */
    private double firstToken(Constants by) {
        double running = running();
        double context = load.meanInput() + load.meanOutput() / 2;
        return prompt(new StepTimeModel(on, by), running, context)
                + 1e-3 * (by.get("cpu.requestMs") + by.get("cpu.serverMs"))
                + 1e-6 * by.get("cpu.promptTokenUs") * load.meanInput();
    }

    private double running() {
        double busy = service.requestsPerSecond() * service.latency();
        return Math.clamp(busy, 1, on.settings().maxSequences());
    }
}
