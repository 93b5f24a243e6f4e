package bestfit.simulate;

import bestfit.args.VllmArgs;
import bestfit.config.Json;
import bestfit.hardware.ServerSpec;
import bestfit.metrics.BenchMetrics;
import bestfit.model.KnownModels;
import bestfit.perf.Case;
import bestfit.perf.Constants;
import bestfit.perf.EngineSettings;
import bestfit.perf.EngineVersion;
import bestfit.perf.Instance;
import bestfit.perf.Load;
import java.util.Arrays;
import java.util.List;

/**
 * One closed-loop run in virtual time on one instance, for {@code bench/simulated-time}:
 *
 * <pre>MODEL SERVER ENGINE_VERSION USERS REQUESTS INPUT_TOKENS OUTPUT_TOKENS [vLLM args]</pre>
 *
 * prints the means as one JSON object.
 */
public final class VirtualRun {
    private static final int FIXED = 7;

    private VirtualRun() {}

    public static void main(String[] words) {
        if (words.length < FIXED) {
            System.err.println("usage: MODEL SERVER ENGINE_VERSION USERS REQUESTS INPUT_TOKENS OUTPUT_TOKENS [args]");
            System.exit(2);
        }
        var args = new VllmArgs(List.of(words).subList(FIXED, words.length));
        var card = KnownModels.find(words[0]).card();
        var server = ServerSpec.parse(words[1]);
        var settings = EngineSettings.of(card, server.gpu(), EngineVersion.of(words[2]), args);
        var on = new Instance(
                card, settings, server.gpu(), server.link(), args.tensorParallel(), args.pipelineParallel());
        double[] load =
                Arrays.stream(words, 3, FIXED).mapToDouble(Double::parseDouble).toArray();
        var run = Simulation.run(
                new Case(on, 1, new Load(load[2], load[3], load[0], 0, load[1]), true), Constants.shipped());
        var means = Json.object();
        BenchMetrics.of(run).times().forEach((name, distribution) -> means.put(name, distribution.mean()));
        System.out.println(means);
    }
}
