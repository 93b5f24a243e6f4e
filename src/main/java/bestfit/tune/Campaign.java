package bestfit.tune;

import bestfit.args.DeploymentConfig;
import bestfit.deploy.Deployer;
import bestfit.deploy.NodeClient;
import bestfit.hardware.GpuReading;
import bestfit.load.ClosedLoop;
import bestfit.metrics.Measurement;
import bestfit.store.CampaignRow;
import bestfit.store.CampaignStore;
import bestfit.store.ExperimentStore;
import bestfit.store.TrialRow;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.function.ToIntFunction;
import java.util.stream.Collectors;

/**
 * The whole search on one node: trial after trial, as {@link Schedule} says, until best and runner-up are known as well as
 * they can be. All state is in the database before each next step, so a new campaign object goes on where a killed process
 * left off. Not thread-safe; only the stop signal may come from another thread.
 */
public final class Campaign {
    /**
     * What a campaign works with.
     *
     * @param silence without a byte from an engine, after which a request counts as failed
     * @param gpus looked at while a trial is measured
     * @param measured hears of each trial that was measured, once its figures are stored; on every run of the command of
     *     those of earlier runs again, for one may have been killed in between
     * @param budget in which a trial must be likely to end, over all runs, or it is not begun; empty for no limit
     * @param aim after which nothing is deployed again but best and runner-up once, however close they are; empty for no limit
     */
    public record Tools(
            Deployer deployer,
            ClosedLoop load,
            CampaignStore campaigns,
            ExperimentStore experiments,
            CampaignStop stop,
            ToIntFunction<String> countTokens,
            Duration silence,
            Optional<Duration> aim,
            Optional<Duration> budget,
            SimulatedTime simulated,
            Supplier<GpuReading> gpus,
            Consumer<MeasuredTrial> measured,
            Progress progress) {}

    private final CampaignSpec spec;
    private final CampaignRow row;
    private final Tools tools;
    private final List<Candidate> candidates;
    private final int baseline;
    private final String baselineOrigin;
    private final Prompts prompts;
    private final long openedNanos = System.nanoTime();
    private Before before;

    private Campaign(CampaignSpec spec, CampaignRow row, Tools tools, Before before) {
        this.spec = spec;
        this.row = row;
        this.tools = tools;
        this.before = before;
        var baselines = Baseline.of(spec, before.baseline());
        this.candidates = baselines.candidates();
        this.baseline = baselines.index();
        this.baselineOrigin = baselines.origin();
        this.prompts = new Prompts(spec.workload().seed(), tools.countTokens());
    }

    /**
     * Prepares; nothing is deployed yet.
     *
     * @param row as claimed from the store
     * @throws IOException if the node does not answer
     */
    public static Campaign open(CampaignSpec spec, CampaignRow row, Tools tools) throws IOException {
        var running = running(spec, tools.deployer().node());
        var stored = Optional.ofNullable(row.before()).map(Before::read);
        var left = Before.leftOwing(tools.campaigns(), row, spec.where(), running);
        var before = Before.of(stored, left, running);
        var campaign = new Campaign(spec, row, tools, before);
        campaign.remember(before);
        if (left.isPresent()) { // one campaign owes it, this one
            Before.settle(tools.campaigns(), row, spec.where());
        }
        return campaign;
    }

    /** What serves there now; of a node that tells a model but no args, as MLNode does, the user's own word. */
    static Optional<DeploymentConfig> running(CampaignSpec spec, NodeClient node) throws IOException {
        var told = node.current();
        return told.isEmpty() && node.state().serving()
                ? spec.explicitBaseline().map(Candidate::config)
                : told;
    }

    private void remember(Before now) {
        before = now;
        tools.campaigns().setBefore(row.id(), now.toJson());
    }

    /** What is to run on the node when this run of the command is over. */
    public Optional<DeploymentConfig> before() {
        return before.restore();
    }

    /** True once the node was touched, in this run or in one that was killed, and until {@link #restored}. */
    public boolean owesRestore() {
        return before.owed();
    }

    /** Before the node is touched for the first time; a run that is killed afterwards leaves the restoring to the next. */
    private void touchNode() {
        if (!before.owed()) {
            remember(before.owing(true));
        }
    }

    /** What {@link #before} says runs again. */
    public void restored() {
        remember(before.owing(false));
    }

    public List<Candidate> candidates() {
        return candidates;
    }

    /** As of now; trials of earlier runs of the command count as finished. */
    public Outlook outlook() {
        return Outlook.of(
                new Baseline(candidates, baseline, baselineOrigin),
                finished().size(),
                schedule().remaining(),
                secondsATrial());
    }

    /**
     * Runs to the end or until stopped. The node keeps what was deployed last: restoring is the caller's, for it must happen
     * after every end.
     *
     * @throws IOException if the node cannot be reached any more; the same command goes on later
     */
    public CampaignResult run() throws IOException, InterruptedException {
        long start = System.nanoTime();
        try {
            trials().forEach(this::tell);
            var next = schedule().next();
            while (next.isPresent() && !budgetIsOver() && !tools.stop().isAsked()) {
                touchNode();
                runTrial(next.get());
                next = schedule().next();
            }
        } catch (TakenOver taken) {
            restored();
            throw taken;
        } finally {
            tools.campaigns().spend(row.id(), (System.nanoTime() - start) / 1e9);
        }
        return result(secondsSpent());
    }

    private Schedule schedule() {
        return Schedule.of(candidates.size(), baseline, trials(), mostRepeats(), this::worthAnotherDeployment);
    }

    /** Over all runs; of one that was killed, its trials. */
    private double secondsSpent() {
        return Math.max(row.seconds() + (System.nanoTime() - openedNanos) / 1e9, deviceSeconds());
    }

    private double deviceSeconds() {
        return trials().stream().mapToDouble(TrialRow::seconds).sum();
    }

    /** How long a trial takes here is known once one has ended. */
    private boolean budgetIsOver() {
        double next = finished().isEmpty() ? 0 : secondsATrial();
        return tools.budget()
                .filter(budget -> secondsSpent() + next > budget.toMillis() / 1e3)
                .isPresent();
    }

    private int mostRepeats() {
        double withOneMore = secondsSpent() + secondsATrial();
        return tools.aim().filter(aim -> withOneMore > aim.toSeconds()).isPresent()
                ? Schedule.LEAST_REPEATS
                : Schedule.MOST_REPEATS;
    }

    private void runTrial(Schedule.Step step) throws IOException, InterruptedException {
        var candidate = candidates.get(step.candidate());
        int done = finished().size();
        int remaining = schedule().remaining();
        double each = secondsATrial();
        long start = System.nanoTime();
        var workload = workload();
        var runner = new TrialRunner(
                tools.deployer(),
                tools.load(),
                tools.campaigns(),
                tools.experiments(),
                tools.stop(),
                prompts,
                tools.silence(),
                tools.simulated(),
                tools.gpus());
        runner.run(new TrialRunner.Task(
                row.id(),
                step.candidate(),
                candidate,
                step.deployment(),
                workload.orElse(spec.workload()),
                workload.isPresent(),
                new TrialRunner.Watch() {
                    @Override
                    public void stage(String what, double share) {
                        double spent = (System.nanoTime() - start) / 1e9;
                        double eta = (remaining - 1) * each + Math.max(0, each - spent);
                        tools.progress()
                                .stage(new Progress.Stage(
                                        done + 1, done + remaining, eta, candidate.title(), what, share));
                    }

                    @Override
                    public void request(Measurement measurement) {
                        tools.progress().request(measurement);
                    }
                }));
        tell(trials().getLast());
        report(trials().getLast(), candidate, done + 1);
    }

    private void tell(TrialRow trial) {
        if (trial.state() == TrialRow.State.MEASURED) {
            tools.measured()
                    .accept(new MeasuredTrial(
                            candidates.get(trial.candidate()),
                            workload().orElse(spec.workload()),
                            Optional.ofNullable(trial.engine()),
                            Figures.of(List.of(trial), tools.experiments())));
        }
    }

    private void report(TrialRow trial, Candidate candidate, int deployment) {
        var text = switch (trial.state()) {
            case MEASURED ->
                "measured in " + Math.round(trial.seconds()) + " s"
                        + GpuRun.of(List.of(trial)).stream()
                                .flatMap(gpu -> gpu.throttled().stream())
                                .map(line -> "; WARNING: " + line)
                                .collect(Collectors.joining());
            case FAILED -> {
                var failure =
                        TrialFailure.read(Optional.ofNullable(trial.failure()).orElse("{}"));
                yield "failed: " + failure.name() + " at " + failure.stage() + ": " + failure.line();
            }
            case CUT, RUNNING -> "cut short";
        };
        int remaining = schedule().remaining();
        tools.progress()
                .stage(new Progress.Stage(
                        deployment,
                        finished().size() + remaining,
                        remaining * secondsATrial(),
                        candidate.title(),
                        text,
                        1));
    }

    /** Sized by an earlier trial's probe; empty before. */
    private Optional<TuneWorkload> workload() {
        return tools.campaigns()
                .find(row.id())
                .flatMap(each -> Optional.ofNullable(each.workload()))
                .map(TuneWorkload::read);
    }

    private double secondsATrial() {
        return finished().stream()
                .filter(each -> each.state() == TrialRow.State.MEASURED)
                .mapToDouble(TrialRow::seconds)
                .average()
                .orElseGet(() -> Outlook.usualTrialSeconds(spec));
    }

    private List<TrialRow> trials() {
        return tools.campaigns().trials(row.id());
    }

    private List<TrialRow> finished() {
        return trials().stream().filter(TrialRow::finished).toList();
    }

    private List<Integer> worthAnotherDeployment() {
        var outcomes = outcomes();
        var measured = measured(outcomes);
        if (measured.size() < 2) {
            return List.of();
        }
        return compare(outcomes, measured).worthAnotherDeployment().stream()
                .map(measured::get)
                .toList();
    }

    private static List<Integer> measured(List<Outcome> outcomes) {
        var measured = new ArrayList<Integer>();
        for (int i = 0; i < outcomes.size(); i++) {
            if (outcomes.get(i).status() == Outcome.Status.MEASURED) {
                measured.add(i);
            }
        }
        return measured;
    }

    private Comparison compare(List<Outcome> outcomes, List<Integer> measured) {
        var figures = measured.stream()
                .map(i -> outcomes.get(i).figures().orElseThrow())
                .toList();
        return Comparison.of(figures, Math.max(0, measured.indexOf(baseline)), spec.objective());
    }

    private List<Outcome> outcomes() {
        var byCandidate = new HashMap<Integer, List<TrialRow>>();
        finished()
                .forEach(trial -> byCandidate
                        .computeIfAbsent(trial.candidate(), _ -> new ArrayList<>())
                        .add(trial));
        var outcomes = new ArrayList<Outcome>();
        for (int i = 0; i < candidates.size(); i++) {
            outcomes.add(outcome(candidates.get(i), byCandidate.getOrDefault(i, List.of())));
        }
        return outcomes;
    }

    /** A candidate that failed in any deployment failed: it cannot be recommended. */
    private Outcome outcome(Candidate candidate, List<TrialRow> trials) {
        double seconds = trials.stream().mapToDouble(TrialRow::seconds).sum();
        var failure = TrialFailure.counting(trials);
        var measured = trials.stream()
                .filter(trial -> trial.state() == TrialRow.State.MEASURED)
                .toList();
        var status = failure.isPresent()
                ? Outcome.Status.FAILED
                : measured.isEmpty() ? Outcome.Status.UNTRIED : Outcome.Status.MEASURED;
        var figures = status == Outcome.Status.MEASURED
                ? Optional.of(Figures.of(measured, tools.experiments()))
                : Optional.<Figures>empty();
        return new Outcome(candidate, status, measured.size(), seconds, figures, failure, GpuRun.of(trials));
    }

    private ClientCheck clientCheck() {
        var runs = new LinkedHashMap<String, List<ClientRun>>();
        for (var trial : finished()) {
            var checks = trial.checks();
            if (checks != null) {
                runs.computeIfAbsent(candidates.get(trial.candidate()).title(), _ -> new ArrayList<>())
                        .addAll(ClientRun.read(checks));
            }
        }
        return ClientCheck.of(runs);
    }

    private CampaignResult result(double seconds) {
        var outcomes = outcomes();
        var measured = measured(outcomes);
        boolean stopped = tools.stop().isAsked();
        var verdict = stopped ? Verdict.STOPPED : Verdict.NONE;
        var ranking = new ArrayList<CampaignResult.Ranked>();
        Optional<CampaignResult.Ranked> safe = Optional.empty();
        if (!measured.isEmpty()) {
            var comparison = compare(outcomes, measured);
            comparison.ranking().forEach(each -> ranking.add(ranked(each, measured)));
            boolean more = budgetIsOver() && schedule().next().isPresent();
            verdict = stopped ? Verdict.STOPPED : more ? Verdict.BUDGET : comparison.verdict();
            safe = Optional.of(ranked(comparison.withoutLosses(), measured));
        }
        int reference = measured.isEmpty() || measured.contains(baseline) ? baseline : measured.getFirst();
        return new CampaignResult(
                row.id(),
                spec,
                workload().orElse(spec.workload()),
                outcomes,
                baseline,
                baselineOrigin,
                reference,
                ranking,
                verdict,
                safe,
                clientCheck(),
                seconds,
                deviceSeconds());
    }

    private static CampaignResult.Ranked ranked(Comparison.Standing standing, List<Integer> measured) {
        return new CampaignResult.Ranked(measured.get(standing.index()), standing);
    }
}
