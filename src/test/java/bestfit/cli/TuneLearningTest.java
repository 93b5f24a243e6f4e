package bestfit.cli;

import static org.assertj.core.api.Assertions.assertThat;

import bestfit.args.DeploymentConfig;
import bestfit.args.Layout;
import bestfit.args.VllmArgs;
import bestfit.config.Json;
import bestfit.deploy.NodeAddress;
import bestfit.deploy.NodeClient;
import bestfit.hardware.ServerSpec;
import bestfit.http.HttpServer;
import bestfit.http.Router;
import bestfit.model.KnownModels;
import bestfit.perf.Case;
import bestfit.perf.Cases;
import bestfit.perf.EngineVersion;
import bestfit.perf.Estimate;
import bestfit.perf.Load;
import bestfit.perf.MeasuredHere;
import bestfit.perf.Plan;
import bestfit.perf.Prediction;
import bestfit.tune.Candidate;
import bestfit.tune.ExperimentPlan;
import bestfit.tune.Figures;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.NullUnmarked;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@NullUnmarked // a figure that is missing should fail here
class TuneLearningTest {
    private static final String HEADER = "model,gpu,gpu_count,tp,pp,dp,engine,engine_version,input_len,output_len,"
            + "concurrency,num_requests,ttft_ms_mean,tpot_ms_mean,output_tok_s,notes\n";

    private static final ServerSpec SERVER = ServerSpec.parse("8xL4");

    private static String row(String model, int tp, int instances, double ttft, double latency, double throughput) {
        var args = VllmArgs.of("--tensor-parallel-size", Integer.toString(tp), "--max-num-seqs", "64");
        var block = new Figures.Block(
                0,
                0,
                Map.of("short", Map.of("TTFT", ttft, "LATENCY", latency, "THROUGHPUT_OUTPUT_TOKENS", throughput)));
        return TuneLearning.row(
                        model,
                        SERVER,
                        "0.23.0",
                        new Candidate(new DeploymentConfig(model, "auto", args), new Layout(tp, 1, instances)),
                        new ExperimentPlan("short", 1000, 300, 40),
                        4,
                        new Figures(List.of(block, block)))
                .orElseThrow();
    }

    /** Instances of a campaign share nothing, experts neither. */
    @Test
    void a_campaign_s_instances_are_independent() {
        var line = HEADER + row("Qwen/Qwen3-30B-A3B", 4, 2, 0.3, 8, 150);
        var config = Case.of(Cases.read("tune", line).getFirst());
        assertThat(config.instances()).isEqualTo(2);
        assertThat(config.instance().settings().dataParallel()).isEqualTo(1);
        assertThat(config.instance().settings().maxSequences()).isEqualTo(64);
    }

    /** Two measured layouts of a server that is half as fast as predicted: the untried are predicted slower, and narrower. */
    @Test
    void what_tune_measured_plan_knows(@TempDir Path home) {
        var card = KnownModels.find("Qwen/Qwen3-8B").card();
        var query = new Plan.Query(card, SERVER, EngineVersion.DEFAULT, VllmArgs.of(), new Load(1000, 300, 4, 0, 40));
        var before = throughput(Plan.of(query, MeasuredHere.Knowledge.shipped()));
        var file = MeasuredHere.file(home, SERVER);
        var rows = row("Qwen/Qwen3-8B", 1, 8, 0.8, 0.8 + 299 * 0.130, 30) + "\n"
                + row("Qwen/Qwen3-8B", 2, 4, 0.6, 0.6 + 299 * 0.080, 48);
        assertThat(MeasuredHere.add(file, "tune", HEADER + rows)).isEqualTo(2);
        var known = MeasuredHere.of(file, SERVER, card, EngineVersion.DEFAULT);
        assertThat(known.basis()).contains(Prediction.Basis.MEASURED_HERE);
        var after = throughput(Plan.of(query, known));
        assertThat(after.value()).isLessThan(0.8 * before.value());
        assertThat(after.high() / after.low()).isLessThan(before.high() / before.low());
    }

    /** vLLM 0.23.0's own log of a start, over the node's port: the KV space of a context that was not tried is known better. */
    @Test
    void what_the_engine_s_log_told_of_memory_plan_knows(@TempDir Path home) throws IOException {
        var server = ServerSpec.parse("H200");
        var card = KnownModels.find("Qwen/Qwen3-8B").card();
        var file = MeasuredHere.file(home, server);
        var query = new Plan.Query(
                card,
                server,
                EngineVersion.DEFAULT,
                VllmArgs.of("--max-model-len", "4096"),
                new Load(1000, 300, 4, 0, 40));
        var before = memory(Plan.of(query, MeasuredHere.of(file, server, card, EngineVersion.DEFAULT)));
        assertThat(starts(file, server, "nothing of a start")).isZero();
        try (var log = getClass().getResourceAsStream("/bestfit/perf/h200_start.log")) {
            var text = new String(log.readAllBytes(), StandardCharsets.UTF_8);
            assertThat(starts(file, server, text)).isOne();
            assertThat(starts(file, server, text)).as("heard of again").isZero();
        }
        var after = memory(Plan.of(query, MeasuredHere.of(file, server, card, EngineVersion.DEFAULT)));
        assertThat(after.high() - after.low()).isLessThan(before.high() - before.low());
    }

    private static int starts(Path file, ServerSpec server, String log) throws IOException {
        var router = new Router().on("GET", "/api/v1/inference/logs", exchange -> {
            var body = Json.object();
            var lines = body.putArray("lines");
            log.lines().forEach(lines::add);
            exchange.json(200, body);
        });
        try (var node = HttpServer.start("127.0.0.1", 0, HttpServer.Limits.DEFAULTS, router)) {
            var client = new NodeClient(new NodeAddress(node.url(), node.url()));
            return TuneLearning.learnStart(client, file, server, "0.23.0", "Qwen/Qwen3-8B");
        }
    }

    private static Estimate memory(Plan plan) {
        return plan.rows().getFirst().prediction().orElseThrow().memory().kvTokens();
    }

    /** Of TP 4 PP 1, which was not tried. */
    private static Estimate throughput(Plan plan) {
        return plan.rows().stream()
                .filter(row -> row.layout().tp() == 4 && row.layout().pp() == 1)
                .findFirst()
                .orElseThrow()
                .prediction()
                .orElseThrow()
                .figures()
                .get("output_tok_s");
    }
}
