package bestfit.simulate;

import bestfit.args.VllmArgs;
import bestfit.config.Json;
import bestfit.hardware.ServerSpec;
import bestfit.model.KnownModels;
import bestfit.perf.Case;
import bestfit.perf.Constants;
import bestfit.perf.EngineSettings;
import bestfit.perf.EngineVersion;
import bestfit.perf.Instance;
import bestfit.perf.Load;
import bestfit.perf.Plan;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** What {@code bench/plan-speed} measures; the first figures hold the start of the JVM's compilers. */
final class PlanSpeed {
    private static final int CONFIGS = 1000;

    private PlanSpeed() {}

    public static void main(String[] args) throws IOException {
        var json = Json.object();
        long before = System.nanoTime();
        int configs = 0;
        var models = List.of("Qwen/Qwen3-32B-FP8", "Qwen/Qwen3-30B-A3B", "meta-llama/Llama-3.1-8B", "Qwen/Qwen3-8B");
        for (int turn = 0; configs < CONFIGS; turn++) {
            var query = new Plan.Query(
                    KnownModels.find(models.get(turn % models.size())).card(),
                    ServerSpec.parse(turn % 2 == 0 ? "8x4070tis" : "8xH100-SXM"),
                    EngineVersion.of("0.23.0"),
                    VllmArgs.of("--max-num-seqs", Integer.toString(16 + turn), "--max-model-len", "8192"),
                    new Load(1000, 300, 10 + turn, 0, 10 * (10.0 + turn)));
            configs += Plan.of(query, Constants.shipped()).rows().size();
        }
        json.put("configs", configs).put("configs_s", seconds(before));
        for (int run = 0; run < 3; run++) {
            before = System.nanoTime();
            var measured = Simulation.run(config(2, 2, 2, 1000), Constants.shipped());
            double took = seconds(before);
            long last =
                    measured.stream().mapToLong(each -> each.endNanos()).max().orElseThrow();
            json.put("run_of_1000_s" + (run == 0 ? "_cold" : ""), took)
                    .put("times_life" + (run == 0 ? "_cold" : ""), last / 1e9 / took);
        }
        var status = Files.readString(Path.of("/proc/self/status"));
        json.put("peak_mib", Long.parseLong(status.replaceAll("(?s).*VmHWM:\\s*(\\d+).*", "$1")) / 1024);
        System.out.println(json);
    }

    private static Case config(int tp, int pp, int instances, int requests) {
        var card = KnownModels.find("Qwen/Qwen3-32B").card();
        var server = ServerSpec.parse("8xH100-SXM");
        var settings = EngineSettings.of(
                card, server.gpu(), EngineVersion.of("0.23.0"), VllmArgs.of("--max-model-len", "32768"));
        return new Case(
                new Instance(card, settings, server.gpu(), server.link(), tp, pp),
                instances,
                new Load(1024, 300, 256, 0, requests),
                true);
    }

    private static double seconds(long since) {
        return (System.nanoTime() - since) / 1e9;
    }
}
