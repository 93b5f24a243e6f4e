package bestfit.perf;

import bestfit.args.VllmArgs;
import bestfit.hardware.ServerSpec;
import bestfit.model.KnownModels;
import bestfit.model.WeightFormat;
import bestfit.perf.Load.Lengths;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The example of gonka's guide "Benchmark to Choose Optimal Deployment Config for LLMs": QwQ-32B with FP8 weights on eight
 * RTX 4070 Ti SUPER, vLLM 0.8.1 with the V0 scheduler, 10 users; published figures from its last table.
 */
public final class Guide {
    private static final double USERS = 10;

    /**
     * The guide's client reached the server's public address: there and back over the internet, 30 to 200 ms. Anything from
     * 50 on does: a request that ends then comes back no sooner than the others have ended too, so that ten prompts meet anew.
     */
    private static final double NETWORK = 0.1;

    private Guide() {}

    /** Seconds and tokens a second. */
    private record Figures(double ttft, double input, double output, double latency) {
        List<Double> list() {
            return List.of(ttft, input, output, latency);
        }
    }

    /** The guide's two experiments. */
    @SuppressWarnings("ImmutableEnumChecker") // a record of four numbers is immutable
    public enum Experiment {
        SHORT(
                "~1000 in / ~300 out",
                1042,
                300,
                Lengths.FIXED,
                100,
                new Figures(6.2342, 497.8204, 143.3828, 20.9172),
                new Figures(4.7595, 500.2883, 144.0936, 20.8093)),
        LONG(
                "~23000 in / ~1000 out",
                23_047,
                980,
                Lengths.ALIKE,
                20,
                new Figures(57.7112, 840.3887, 35.7324, 271.9932),
                new Figures(28.6839, 1017.6811, 43.3700, 223.6245));

        private final String title;
        private final double input;
        private final double output;
        private final Lengths lengths;
        private final double requests;
        private final Figures eightByOne;
        private final Figures fourByTwo;

        /**
         * @param lengths the short answers all end at their limit of 300 tokens, the long ones average 980 of 1,000
         * @param requests the tasks that the guide's screenshots show
         */
        Experiment(
                String title,
                double input,
                double output,
                Lengths lengths,
                double requests,
                Figures eightByOne,
                Figures fourByTwo) {
            this.title = title;
            this.input = input;
            this.output = output;
            this.lengths = lengths;
            this.requests = requests;
            this.eightByOne = eightByOne;
            this.fourByTwo = fourByTwo;
        }

        public String title() {
            return title;
        }

        /** TTFT s, input tokens/s, output tokens/s, latency s; empty for a layout that the guide left out. */
        public List<Double> published(int tp, int pp) {
            if (tp == 8) {
                return eightByOne.list();
            }
            return tp == 4 && pp == 2 ? fourByTwo.list() : List.of();
        }
    }

    /** A layout of the guide's server under one of its experiments. */
    public static Case config(int tp, int pp, Experiment experiment) {
        var card = KnownModels.find("Qwen/QwQ-32B").card().with(WeightFormat.FP8);
        var server = ServerSpec.parse("8x4070tis");
        var settings = EngineSettings.of(card, server.gpu(), EngineVersion.of("0.8.1"), VllmArgs.of());
        var on = new Instance(card, settings, server.gpu(), server.link(), tp, pp);
        var load = new Load(
                experiment.input,
                experiment.output,
                USERS,
                0,
                experiment.requests,
                experiment.lengths,
                NETWORK,
                experiment == Experiment.SHORT,
                0);
        return new Case(on, 8 / (tp * pp), load, true);
    }

    /** Predicted figures in the order of {@link Experiment#published}; empty if it does not fit. */
    public static List<Double> predicted(int tp, int pp, Experiment experiment, Constants constants) {
        var row = config(tp, pp, experiment);
        var figures = Prediction.of(row, constants).figures();
        var ttft = figures.get("ttft_ms_mean");
        var out = figures.get("output_tok_s");
        var latency = figures.get("e2e_ms_mean");
        if (ttft == null || out == null || latency == null) {
            return List.of();
        }
        double in = out.value() * experiment.input / experiment.output;
        return List.of(ttft.value() / 1e3, in, out.value(), latency.value() / 1e3);
    }

    /** The shipped constants, moved by the guide's TP 8 · PP 1 column and nothing else. */
    public static Calibration.Fitted calibrated(Constants prior) {
        var observations = java.util.Arrays.stream(Experiment.values())
                .map(each -> new Calibration.Observation(config(8, 1, each), measured(each)))
                .toList();
        return Calibration.fit(observations, prior);
    }

    private static Map<String, Double> measured(Experiment experiment) {
        var measured = new LinkedHashMap<String, Double>();
        measured.put("ttft_ms_mean", experiment.eightByOne.ttft() * 1e3);
        measured.put("output_tok_s", experiment.eightByOne.output());
        measured.put("e2e_ms_mean", experiment.eightByOne.latency() * 1e3);
        return measured;
    }
}
