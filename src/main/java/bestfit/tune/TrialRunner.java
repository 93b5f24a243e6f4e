package bestfit.tune;

import bestfit.args.ArgsText;
import bestfit.args.DeploymentConfig;
import bestfit.config.Json;
import bestfit.deploy.AnswerCheck;
import bestfit.deploy.Deployer;
import bestfit.hardware.GpuReading;
import bestfit.hardware.GpuSampler;
import bestfit.load.ClosedLoop;
import bestfit.load.LoadPlan;
import bestfit.load.LoadResult;
import bestfit.load.LoadTarget;
import bestfit.load.RequestOptions;
import bestfit.metrics.Measurement;
import bestfit.metrics.MeasurementSink;
import bestfit.store.CampaignStore;
import bestfit.store.ExperimentStore;
import bestfit.store.TrialRow;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Runs one trial: deploy, verify, warm up, measure block after block; everything is in the database as it happens. */
final class TrialRunner {
    private static final double PROBE_SECONDS = 1;
    /** Deploy, warm up and probe, of a trial's steps. */
    private static final int STEPS_BEFORE_BLOCKS = 3;

    private static final MeasurementSink NOWHERE = _ -> {};

    private final Deployer deployer;
    private final ClosedLoop load;
    private final CampaignStore campaigns;
    private final ExperimentStore experiments;
    private final CampaignStop stop;
    private final Prompts prompts;
    private final Duration silence;
    private final SimulatedTime simulated;
    private final Supplier<GpuReading> gpus;

    TrialRunner(
            Deployer deployer,
            ClosedLoop load,
            CampaignStore campaigns,
            ExperimentStore experiments,
            CampaignStop stop,
            Prompts prompts,
            Duration silence,
            SimulatedTime simulated,
            Supplier<GpuReading> gpus) {
        this.deployer = deployer;
        this.load = load;
        this.campaigns = campaigns;
        this.experiments = experiments;
        this.stop = stop;
        this.prompts = prompts;
        this.silence = silence;
        this.simulated = simulated;
        this.gpus = gpus;
    }

    /** A trial that ends early; the campaign goes on, unless it was stopped. */
    private static final class Ended extends Exception {
        private static final long serialVersionUID = 1L;
        private final transient @Nullable TrialFailure failure;

        Ended(@Nullable TrialFailure failure) {
            super(failure == null ? "stopped" : failure.line(), null, false, false);
            this.failure = failure;
        }
    }

    /**
     * Which trial.
     *
     * @param workload sized by this trial's probe if {@code sized} is false
     * @param watch hears what is done
     */
    record Task(
            long campaign,
            int index,
            Candidate candidate,
            int deployment,
            TuneWorkload workload,
            boolean sized,
            Watch watch) {}

    /** Hears of a trial's steps. */
    interface Watch {
        /** @param share of the trial's steps that are done */
        void stage(String what, double share);

        /** One of a block has ended. */
        void request(Measurement measurement);
    }

    /**
     * Runs it to its end, good or bad.
     *
     * @return the workload, sized
     * @throws IOException if the node cannot be reached any more
     */
    TuneWorkload run(Task task) throws IOException, InterruptedException {
        long trial = campaigns.beginTrial(
                task.campaign(),
                task.index(),
                task.deployment(),
                Json.write(ConfigJson.write(task.candidate().config())));
        long start = System.nanoTime();
        var measuring = new Measuring(task, trial);
        var state = TrialRow.State.MEASURED;
        String failure = null;
        try {
            measuring.run();
        } catch (Ended ended) {
            state = ended.failure == null ? TrialRow.State.CUT : TrialRow.State.FAILED;
            failure = ended.failure == null ? null : Json.write(ended.failure.toJson());
        }
        if (state != TrialRow.State.CUT) {
            requireOurs(task.candidate().config());
        }
        double seconds = (System.nanoTime() - start) / 1e9;
        var checks = measuring.client.isEmpty() ? null : ClientRun.write(measuring.client);
        campaigns.endTrial(trial, state, seconds, measuring.seconds, failure, checks, measuring.gpusSeen);
        return measuring.workload;
    }

    /** What was seen is the candidate's only if it is what ran; a trial that is not ended counts for nothing. */
    private void requireOurs(DeploymentConfig config) throws IOException {
        var runs = deployer.node().current();
        if (runs.filter(each -> !each.equals(config)).isPresent()) {
            throw new TakenOver("somebody else deployed on "
                    + deployer.node().address().management() + " during the trial: it runs "
                    + ArgsText.write(runs.get().args()) + " and not " + ArgsText.write(config.args())
                    + ". That is left running; when it has ended, the same command goes on");
        }
    }

    /** The state of one trial. */
    private final class Measuring {
        private final Task task;
        private final long trial;
        private final LoadTarget target;
        private final List<ClientRun> client = new ArrayList<>();
        private TuneWorkload workload;
        private double seconds;
        private @Nullable String gpusSeen;
        private int uncounted;

        Measuring(Task task, long trial) {
            this.task = task;
            this.trial = trial;
            this.workload = task.workload();
            var node = deployer.node().address();
            this.target = new LoadTarget(
                    node.inference(),
                    task.candidate().config().servedModel(),
                    node.tokens().inference());
        }

        void run() throws IOException, InterruptedException, Ended {
            stage("deploy", 0);
            switch (deployer.deploy(task.candidate().config())) {
                case Deployer.Outcome.Serving serving -> checkInstances(serving.instances());
                case Deployer.Outcome.Failed failed -> throw ended(failed, "start");
            }
            checkAnswers();
            deployer.node().engineVersion().ifPresent(version -> campaigns.setEngine(trial, version));
            stage("warm up", 1);
            warmUp();
            if (!task.sized()) {
                stage("probe", 2);
                workload = probe();
                campaigns.setWorkload(task.campaign(), workload.toJson());
            }
            watchGpus();
        }

        /** Of a trial's steps the blocks alone: GPUs are idle while an engine starts. */
        private void watchGpus() throws IOException, InterruptedException, Ended {
            try (var sampler = GpuSampler.start(gpus::get)) {
                try {
                    measure();
                } finally {
                    var seen = sampler.summary();
                    gpusSeen = seen.isEmpty() ? null : Json.write(seen);
                }
            }
        }

        private void stage(String what, int step) {
            task.watch().stage(what, (double) step / (STEPS_BEFORE_BLOCKS + workload.blocks()));
        }

        /** MLNode 3.0.9 says OK when the first instance serves, and reads only the plain spelling of TP and PP. */
        private void checkInstances(int instances) throws Ended {
            int wanted = task.candidate().layout().instances();
            if (instances != 0 && instances != wanted) {
                var line = "the node started " + instances + " instances, not " + wanted;
                throw new Ended(new TrialFailure("instance-count", line, List.of(line), "start"));
            }
        }

        /** As often as there are instances, which the balancer gives one request each. */
        private void checkAnswers() throws Ended {
            var check = new AnswerCheck(target.baseUrl(), target.model(), target.headers());
            for (int i = 0; i < task.candidate().layout().instances(); i++) {
                var problem = check.problem(silence);
                if (problem.isPresent()) {
                    var line = problem.get();
                    throw new Ended(new TrialFailure("not-a-number", line, List.of(line), "start"));
                }
            }
        }

        private void warmUp() throws IOException, InterruptedException, Ended {
            var warmUp = new WarmUp();
            do {
                long start = System.nanoTime();
                for (var experiment : workload.experiments()) {
                    uncounted(experiment, workload.users(), "warm-up");
                }
                warmUp.round((System.nanoTime() - start) / 1e9);
            } while (!warmUp.done());
        }

        private TuneWorkload probe() throws IOException, InterruptedException, Ended {
            var waves = new ArrayList<Double>();
            for (var experiment : workload.experiments()) {
                double wave = 0;
                int count = 0;
                while (wave * count < PROBE_SECONDS) {
                    double took =
                            uncounted(experiment, workload.users(), "probe").wallNanos() / 1e9;
                    wave = (wave * count + took) / (count + 1);
                    count++;
                }
                waves.add(wave);
            }
            return workload.sized(waves);
        }

        private LoadResult uncounted(ExperimentPlan experiment, int requests, String stage)
                throws IOException, InterruptedException, Ended {
            int first = Prompts.firstUncounted(uncounted++);
            return send(experiment, first, requests, -1, NOWHERE, stage);
        }

        private void measure() throws IOException, InterruptedException, Ended {
            var ids = begin();
            var taken = new LinkedHashMap<String, List<Measurement>>();
            for (int i = 0; i < workload.blocks(); i++) {
                int block = task.deployment() * workload.blocks() + i;
                var stage = "block " + (i + 1) + " of " + workload.blocks();
                if (!stop.beginBlock()) {
                    throw new Ended(null);
                }
                stage(stage, STEPS_BEFORE_BLOCKS + i);
                try {
                    measureBlock(block, stage, ids, taken);
                } finally {
                    stop.endBlock();
                }
            }
            ids.forEach((name, id) ->
                    experiments.finish(id, BlockMetrics.means(taken.getOrDefault(name, List.of())), Map.of()));
        }

        private void measureBlock(int block, String stage, Map<String, Long> ids, Map<String, List<Measurement>> taken)
                throws IOException, InterruptedException, Ended {
            for (var experiment : workload.experiments()) {
                long id = Optional.ofNullable(ids.get(experiment.name())).orElseThrow();
                var result = send(
                        experiment,
                        Prompts.firstIndex(experiment, block),
                        experiment.requests(),
                        block,
                        watched(experiments.sink(id)),
                        stage);
                client.add(new ClientRun(
                        experiment.name(), block, result.selfCheck().samples()));
                seconds += result.wallNanos() / 1e9;
                taken.computeIfAbsent(experiment.name(), _ -> new ArrayList<>())
                        .addAll(inDeviceTime(result.measurements()));
            }
        }

        private MeasurementSink watched(MeasurementSink sink) {
            var told = sink.then(timed -> timed.forEach(task.watch()::request));
            return measurements -> told.acceptAll(inDeviceTime(measurements));
        }

        private List<Measurement> inDeviceTime(List<Measurement> measured) {
            return simulated.server().isEmpty()
                    ? measured
                    : measured.stream().map(each -> each.on(simulated.clock())).toList();
        }

        /** Experiments in compressa-perf's tables, with its parameters and what it never stored: the deployment. */
        private Map<String, Long> begin() {
            var ids = new LinkedHashMap<String, Long>();
            var config = task.candidate().config();
            for (var experiment : workload.experiments()) {
                var parameters = new LinkedHashMap<String, String>();
                parameters.put("num_workers", Integer.toString(workload.users()));
                parameters.put("num_tasks", Integer.toString(experiment.requests() * workload.blocks()));
                parameters.put("node_url", target.baseUrl());
                parameters.put("max_tokens", Integer.toString(experiment.outputTokens()));
                parameters.put("model_name", config.model());
                parameters.put("dtype", config.dtype());
                parameters.put("args", ArgsText.write(config.args()));
                simulated.server().ifPresent(server -> parameters.put("simulated", server));
                parameters.put("campaign", Long.toString(task.campaign()));
                long id = experiments.begin(
                        experiment.name() + " " + task.candidate().title(),
                        "campaign " + task.campaign() + ", trial " + trial,
                        parameters);
                campaigns.addExperiment(trial, experiment.name(), id);
                ids.put(experiment.name(), id);
            }
            return ids;
        }

        private LoadResult send(
                ExperimentPlan experiment, int first, int requests, int block, MeasurementSink sink, String stage)
                throws IOException, InterruptedException, Ended {
            var options = RequestOptions.fixed(experiment.outputTokens(), workload.seed())
                    .withLimits(silence, Duration.ofHours(1));
            var source = prompts.of(experiment, first, requests);
            var plan = new LoadPlan(source, requests, workload.users(), options, first, block);
            if (stop.requests().isStopped()) {
                throw new Ended(null);
            }
            var result = load.run(target, plan, sink, stop.requests());
            if (stop.requests().isStopped()) {
                throw new Ended(null);
            }
            var failure = result.measurements().stream()
                    .flatMap(each -> Optional.ofNullable(each.failure()).stream())
                    .findFirst();
            if (failure.isPresent()) {
                throw ended(deployer.lost("a request failed: " + failure.get()), stage);
            }
            return result;
        }

        private Ended ended(Deployer.Outcome.Failed failed, String stage) {
            return new Ended(
                    stop.requests().isStopped()
                            ? null
                            : new TrialFailure(failed.name(), failed.line(), failed.lines(), stage));
        }
    }
}
