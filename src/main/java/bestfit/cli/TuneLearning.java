package bestfit.cli;

import bestfit.config.ConfigException;
import bestfit.deploy.NodeClient;
import bestfit.hardware.ServerSpec;
import bestfit.model.KnownModels;
import bestfit.perf.EngineVersion;
import bestfit.perf.MeasuredHere;
import bestfit.tune.CampaignSpec;
import bestfit.tune.Candidate;
import bestfit.tune.ExperimentPlan;
import bestfit.tune.Figures;
import bestfit.tune.MeasuredTrial;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * What each trial measured on GPUs, and what its engine's log told of memory, goes into what is known of its server, at once, so that {@code plan} predicts the untried
 * better though the campaign is stopped. A trial that it hears of again adds nothing. Not thread-safe.
 */
final class TuneLearning {
    /** Of vLLM; an engine of ours says behind its release that it is none, and its times are no GPU's. */
    private static final Pattern RELEASE = Pattern.compile("\\b(0\\.\\d{1,3}\\.\\d{1,3})(?!.*\\+bestfit)");

    private static final String HEADER =
            "model,gpu,gpu_count,tp,pp,dp,engine,engine_version,input_len,output_len,concurrency,num_requests,"
                    + "ttft_ms_mean,tpot_ms_mean,output_tok_s,notes";

    private final CampaignSpec spec;
    private final NodeClient node;
    private final Path home;
    private String server = "";
    private String problem = "";
    private int known;
    private int starts;

    TuneLearning(CampaignSpec spec, NodeClient node, Path home) {
        this.spec = spec;
        this.node = node;
        this.home = home;
    }

    /** Adds a trial's rows; none where the GPUs, the model or the engine's release are not known. */
    void learn(MeasuredTrial trial) {
        var release = release(trial);
        var there = release.isEmpty() ? Optional.<ServerSpec>empty() : server();
        if (there.isEmpty()) {
            return;
        }
        var rows = rows(trial, there.get(), release.get());
        try {
            MeasuredHere.add(
                    MeasuredHere.file(home, there.get()),
                    "tune",
                    Stream.concat(Stream.of(HEADER), rows.stream()).collect(Collectors.joining("\n")));
            server = there.get().toString();
            known += rows.size();
            starts += learnStart(node, MeasuredHere.file(home, there.get()), there.get(), release.get(), model());
        } catch (ConfigException e) {
            problem = String.valueOf(e.getMessage());
        }
    }

    /** What plan has learnt, for people; empty if nothing, and nothing was to be learnt. */
    Optional<String> sentence() {
        if (!problem.isEmpty()) {
            return Optional.of("bestfit plan could not be taught what was measured: " + problem);
        }
        return known == 0
                ? Optional.empty()
                : Optional.of("bestfit plan --server " + server + " now predicts from " + known
                        + " measurements"
                        + (starts == 0 ? "" : " and the memory that " + starts + " starts told of")
                        + ", all of this campaign.");
    }

    /** What the engine that was just measured said of its memory when it started; as many starts as were new. */
    static int learnStart(NodeClient node, Path file, ServerSpec server, String release, String model) {
        try {
            var log = String.join("\n", node.log());
            return MeasuredHere.addStarts(file, server, EngineVersion.told(release), model, "the engine's log", log);
        } catch (IOException | ConfigException untold) {
            return 0; // a node that keeps no log, or one whose first lines are gone
        }
    }

    /** The GPUs, if plan can predict them and the model; they are of one kind. */
    private Optional<ServerSpec> server() {
        try {
            var gpus = node.gpus();
            KnownModels.find(spec.model().name());
            return gpus.stream().map(gpu -> gpu.name()).distinct().count() == 1
                    ? Optional.of(
                            ServerSpec.parse(gpus.size() + "x" + gpus.getFirst().name()))
                    : Optional.empty();
        } catch (ConfigException | IOException unknown) {
            return Optional.empty();
        }
    }

    /** The engine's own word, else that of a vLLM of ours, of which the campaign knows the package's. */
    private Optional<String> release(MeasuredTrial trial) {
        var found = RELEASE.matcher(trial.engine().orElse(spec.engine().startsWith("vLLM ") ? spec.engine() : ""));
        return found.find() ? Optional.of(found.group(1)) : Optional.empty();
    }

    /** As plan finds it from any folder. */
    private String model() {
        var name = spec.model().name();
        return Files.isDirectory(Path.of(name))
                ? Path.of(name).toAbsolutePath().normalize().toString()
                : name;
    }

    private List<String> rows(MeasuredTrial trial, ServerSpec server, String release) {
        return trial.workload().experiments().stream()
                .flatMap(
                        plan -> row(
                                model(),
                                server,
                                release,
                                trial.candidate(),
                                plan,
                                trial.workload().users(),
                                trial.figures())
                                .stream())
                .toList();
    }

    /** One line with the columns of {@link #HEADER}; empty if the experiment was not measured. */
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
        int tokens = plan.outputTokens();
        double ttft = figures.interval(plan.name(), "TTFT").mean();
        double latency = figures.interval(plan.name(), "LATENCY").mean();
        var layout = candidate.layout();
        return Optional.of(String.format(
                Locale.ROOT,
                "%s,%s,%d,%d,%d,%d,vllm,%s,%d,%d,%d,%d,%.3f,%s,%.3f,%s",
                cell(model),
                server.gpu().name(),
                server.count(),
                layout.tp(),
                layout.pp(),
                layout.instances(),
                release,
                plan.promptTokens(),
                tokens,
                users,
                plan.requests(),
                1e3 * ttft,
                tokens < 2 ? "" : String.format(Locale.ROOT, "%.4f", 1e3 * (latency - ttft) / (tokens - 1)),
                figures.interval(plan.name(), "THROUGHPUT_OUTPUT_TOKENS").mean(),
                cell(String.join(" ", candidate.config().args().list()) + "; independent instances; tune")));
    }

    private static String cell(String text) {
        return "\"" + text.replace("\"", "\"\"") + "\"";
    }
}
