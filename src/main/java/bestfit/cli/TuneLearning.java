package bestfit.cli;

import bestfit.config.ConfigException;
import bestfit.deploy.NodeClient;
import bestfit.hardware.Device;
import bestfit.hardware.ServerSpec;
import bestfit.model.KnownModels;
import bestfit.perf.MeasuredHere;
import bestfit.tune.CampaignResult;
import bestfit.tune.Candidate;
import bestfit.tune.ExperimentPlan;
import bestfit.tune.Figures;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;

/** What a campaign measured on GPUs goes into what is known of its server, so that {@code plan} predicts the untried better. */
final class TuneLearning {
    private static final Pattern RELEASE = Pattern.compile("\\b0\\.\\d{1,3}\\.\\d{1,3}");

    private TuneLearning() {}

    /** Adds a campaign's rows; silent where the GPUs, the model or the engine's release are not known. */
    static void learn(CampaignResult result, NodeClient node, Path home) {
        try {
            var gpus = node.gpus();
            var release = release(node, result.spec().engine());
            if (gpus.isEmpty() || release.isEmpty()) {
                return;
            }
            KnownModels.find(result.spec().model().name());
            var server = server(gpus);
            var lines = rows(result, server, release.get());
            int added = MeasuredHere.add(MeasuredHere.file(home, server), "tune", String.join("\n", lines));
            System.err.println("bestfit plan --server " + server + " now predicts from " + added
                    + " measurements of this campaign.");
        } catch (ConfigException | IOException unknown) {
            // A model or GPU that plan cannot predict teaches it nothing.
        }
    }

    private static ServerSpec server(List<Device> gpus) {
        return ServerSpec.parse(gpus.size() + "x" + gpus.getFirst().name());
    }

    /** vLLM's own answer, else what the campaign knows of its engine. */
    private static Optional<String> release(NodeClient node, String engine) throws IOException {
        var answer = node.version();
        var told = answer.status() == 200 ? answer.text() : engine;
        var found = RELEASE.matcher(told);
        return found.find() ? Optional.of(found.group()) : Optional.empty();
    }

    private static List<String> rows(CampaignResult result, ServerSpec server, String release) {
        var lines = new ArrayList<String>();
        lines.add("model,gpu,gpu_count,tp,pp,dp,engine,engine_version,input_len,output_len,concurrency,num_requests,"
                + "ttft_ms_mean,tpot_ms_mean,output_tok_s,notes");
        for (var outcome : result.outcomes()) {
            for (var plan : result.workload().experiments()) {
                outcome.figures()
                        .flatMap(figures -> row(
                                result.spec().model().name(),
                                server,
                                release,
                                outcome.candidate(),
                                plan,
                                result.workload().users(),
                                figures))
                        .ifPresent(lines::add);
            }
        }
        return lines;
    }

    /** One line with the columns of {@link #rows}; empty if the experiment was not measured. */
    static Optional<String> row(
            String model,
            ServerSpec server,
            String release,
            Candidate candidate,
            ExperimentPlan plan,
            int users,
            Figures figures) {
        if (figures.values(plan.name(), "TTFT").isEmpty()) {
            return Optional.empty();
        }
        double ttft = figures.interval(plan.name(), "TTFT").mean();
        double latency = figures.interval(plan.name(), "LATENCY").mean();
        var layout = candidate.layout();
        return Optional.of(String.format(
                Locale.ROOT,
                "%s,%s,%d,%d,%d,%d,vllm,%s,%d,%d,%d,%d,%.3f,%.4f,%.3f,\"%s; independent instances; tune\"",
                model,
                server.gpu().name(),
                server.count(),
                layout.tp(),
                layout.pp(),
                layout.instances(),
                release,
                plan.promptTokens(),
                plan.outputTokens(),
                users,
                plan.requests(),
                1e3 * ttft,
                1e3 * (latency - ttft) / Math.max(1, plan.outputTokens() - 1),
                figures.interval(plan.name(), "THROUGHPUT_OUTPUT_TOKENS").mean(),
                String.join(" ", candidate.config().args().list())));
    }
}
