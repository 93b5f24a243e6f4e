package bestfit.cli;

import bestfit.args.ArgsText;
import bestfit.config.Home;
import bestfit.config.Json;
import bestfit.deploy.Deployer;
import bestfit.deploy.NodeClient;
import bestfit.deploy.NodeGpus;
import bestfit.deploy.NodeLogs;
import bestfit.deploy.OwnNode;
import bestfit.deploy.Restore;
import bestfit.hardware.GpuSource;
import bestfit.hardware.VisibleGpus;
import bestfit.load.ClosedLoop;
import bestfit.model.Model;
import bestfit.model.Tokenizer;
import bestfit.node.ChildEnvironment;
import bestfit.report.OutlookReport;
import bestfit.report.PlanReport;
import bestfit.report.TuneReport;
import bestfit.store.CampaignRow;
import bestfit.store.CampaignStore;
import bestfit.store.Database;
import bestfit.store.ExperimentStore;
import bestfit.tune.Campaign;
import bestfit.tune.CampaignResult;
import bestfit.tune.CampaignSpec;
import bestfit.tune.CampaignStop;
import bestfit.tune.Outlook;
import bestfit.tune.SimulatedTime;
import bestfit.tune.Verdict;
import java.io.Console;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/** One run of {@code tune}: claims the campaign, brings up the node, runs, restores, reports. */
final class TuneRun {
    /** The embedded engine streams within seconds even when it is busy; vLLM may compile for a minute. */
    private static final Duration EMBEDDED_SILENCE = Duration.ofSeconds(30);

    private static final Duration OTHER_SILENCE = Duration.ofMinutes(3);

    /** Who tries bestfit on a machine's cores waits four minutes, not longer; a server's owner wants to be sure. */
    private static final Duration EMBEDDED_AIM = Duration.ofSeconds(225);

    /** More of them are no accident. */
    private static final int MOST_LOST_NODES = 5;

    private static final Duration OWN_NODE_PATIENCE = Duration.ofSeconds(3);

    /**
     * @param mayInterrupt what runs on the node
     * @param fresh begin a new campaign even if the same one is unfinished
     * @param server for the report's head
     * @param database file, for what can be done next
     * @param budget for all runs of the campaign; empty for no limit
     * @param nodeLogs where the node's log can be read, a file or a command
     */
    record Options(
            boolean mayInterrupt,
            boolean fresh,
            boolean json,
            String server,
            Path database,
            Optional<Duration> budget,
            Optional<String> nodeLogs) {}

    private final CampaignSpec spec;
    private final TuneTarget target;
    private final Options options;
    private final Map<String, String> environment;
    private final TuneProgress progress;
    private boolean announced;

    TuneRun(CampaignSpec spec, TuneTarget target, Options options, Map<String, String> environment) {
        this.spec = spec;
        this.target = target;
        this.options = options;
        this.environment = environment;
        this.progress = TuneProgress.start(environment);
    }

    /** What would be tried and what that would cost, without trying it. */
    int showOnly() throws IOException {
        boolean possible = !spec.space().candidates().isEmpty();
        var node = target instanceof TuneTarget.Running(var address, var _)
                ? Optional.of(new NodeClient(address))
                : Optional.<NodeClient>empty();
        boolean busy = node.isPresent() && node.get().state().serving();
        if (options.json()) {
            System.out.println(
                    possible ? OutlookReport.json(spec, Outlook.of(spec, node), busy) : PlanReport.json(spec.space()));
        } else if (possible) {
            OutlookReport.text(spec, Outlook.of(spec, node), options.server(), busy)
                    .forEach(System.out::println);
        } else {
            System.out.println(options.server());
            PlanReport.text(spec.space()).forEach(System.out::println);
        }
        if (!possible) {
            System.err.println("bestfit: no config can run here; the reasons are above.");
            return ExitCode.NO_RECOMMENDATION;
        }
        return ExitCode.OK;
    }

    int run(Database database, CampaignStore campaigns, Model model) throws IOException, InterruptedException {
        var owner = CampaignStore.Owner.current();
        return switch (campaigns.claim(
                spec.key(),
                spec.toJson(),
                target instanceof TuneTarget.Running ? spec.where() : "",
                owner,
                options.fresh())) {
            case CampaignStore.Claim.Busy(long campaign, long pid) -> {
                System.err.println("bestfit: campaign " + campaign + " is being run by process " + pid
                        + "; wait for it to end, or end it, then give the same command again.");
                yield ExitCode.CAMPAIGN_BUSY;
            }
            case CampaignStore.Claim.Started(var row) -> withNode(database, campaigns, row, model);
            case CampaignStore.Claim.Resumed(var row) -> {
                progress.say("campaign " + row.id() + " was not finished: it goes on");
                yield withNode(database, campaigns, row, model);
            }
        };
    }

    private int withNode(Database database, CampaignStore campaigns, CampaignRow row, Model model)
            throws IOException, InterruptedException {
        return switch (target) {
            case TuneTarget.Running(var address, var _) ->
                campaign(database, campaigns, row, model, new NodeClient(address));
            case TuneTarget.Own own -> withOwnNode(own, database, campaigns, row, model);
        };
    }

    /** A node of ours that was killed is started again, and the campaign goes on with the trial that it took along. */
    private int withOwnNode(
            TuneTarget.Own own, Database database, CampaignStore campaigns, CampaignRow row, Model model)
            throws IOException, InterruptedException {
        var log = Home.of(environment).resolve("node.log");
        var command = OwnProcess.command(own.arguments(spec.devices()));
        for (int lost = 0; ; lost++) {
            try (var node = OwnNode.start(command, ChildEnvironment.of(environment), log)) {
                try {
                    return campaign(
                            database,
                            campaigns,
                            campaigns.find(row.id()).orElse(row),
                            model,
                            new NodeClient(node.address()));
                } catch (IOException e) {
                    if (node.alive() || lost == MOST_LOST_NODES) {
                        throw e;
                    }
                    progress.say("the node ended by itself (its last lines are in " + log + "); a new one is started");
                }
            }
        }
    }

    private int campaign(Database database, CampaignStore campaigns, CampaignRow row, Model model, NodeClient node)
            throws IOException, InterruptedException {
        var tokenizer = Tokenizer.load(model);
        var learning = new TuneLearning(spec, node, Home.of(environment));
        var stop = new CampaignStop(() -> cancelStart(node));
        try (var load = ClosedLoop.open();
                var gpus = gpus(node);
                var logs = options.nodeLogs().map(NodeLogs::open).orElse(null)) {
            var tools = new Campaign.Tools(
                    new Deployer(
                            node,
                            target instanceof TuneTarget.Own ? OWN_NODE_PATIENCE : Deployer.NODE_PATIENCE,
                            Optional.ofNullable(logs)),
                    load,
                    campaigns,
                    new ExperimentStore(database),
                    stop,
                    text -> tokenizer.encode(text, false).length,
                    target.engine().startsWith("embedded") ? EMBEDDED_SILENCE : OTHER_SILENCE,
                    target instanceof TuneTarget.Own own && own.onCores()
                            ? Optional.of(EMBEDDED_AIM)
                            : Optional.empty(),
                    options.budget(),
                    simulated().map(TuneTarget.Simulated::time).orElse(SimulatedTime.NONE),
                    gpus::read,
                    simulated().isPresent() ? _ -> {} : learning::learn,
                    progress);
            var campaign = Campaign.open(spec, row, tools);
            if (!announce(campaign, node)) {
                return ExitCode.BAD_INPUT;
            }
            try (var stopper = Stopper.install(stop, progress);
                    var key = StopKey.open(stopper::interrupted)) {
                return ended(campaign, campaigns, node, stopper, learning);
            }
        }
    }

    private int ended(
            Campaign campaign, CampaignStore campaigns, NodeClient node, Stopper stopper, TuneLearning learning)
            throws IOException, InterruptedException {
        CampaignResult result;
        Left left;
        try {
            result = campaign.run();
        } finally {
            stopper.restoring();
            left = restore(campaign, node);
        }
        var setting = new TuneReport.Setting(
                VersionCommand.version(),
                options.server(),
                simulated().isPresent(),
                target instanceof TuneTarget.Running running ? running.address().management() : "http://127.0.0.1:8080",
                target instanceof TuneTarget.Running running ? running.managementToken() : Optional.empty(),
                left.sentence(),
                next(result, left),
                !options.json() && TerminalStreams.isStyled(TerminalStreams.OUTPUT, environment));
        var out = options.json() ? System.err : System.out;
        TuneReport.text(result, setting).forEach(out::println);
        var json = TuneReport.json(result, setting);
        if (options.json()) {
            System.out.println(Json.write(json));
        }
        learning.sentence().ifPresent(System.err::println);
        if (result.verdict() == Verdict.STOPPED) {
            return left.asFound() ? ExitCode.STOPPED : ExitCode.FAILED;
        }
        if (!left.asFound()) { // unfinished, so that the same command restores
            return ExitCode.FAILED;
        }
        if (result.verdict() != Verdict.BUDGET) { // which a larger one goes on with
            campaigns.finish(result.id(), Json.write(json));
        }
        return result.verdict() == Verdict.NONE ? ExitCode.NO_RECOMMENDATION : ExitCode.OK;
    }

    /** What is measured on, by the node's word; by this machine's driver where that tells more and the node is here. */
    private GpuSource gpus(NodeClient node) throws IOException {
        if (target instanceof TuneTarget.Own own && !own.vllm()) {
            return GpuSource.NONE;
        }
        var told = node.gpuReading();
        if (told.isOfMlNode() && target instanceof TuneTarget.Running running && running.isHere()) {
            var nodes = new HashMap<>(environment);
            nodes.put(
                    VisibleGpus.VARIABLE,
                    told.gpus().stream()
                            .map(gpu -> Integer.toString(gpu.index()))
                            .collect(Collectors.joining(",")));
            var driver = GpuSource.here(nodes);
            if (!driver.read().gpus().isEmpty()) {
                return driver;
            }
            driver.close();
        }
        return new NodeGpus(node);
    }

    private Optional<TuneTarget.Simulated> simulated() {
        return target instanceof TuneTarget.Own own ? own.simulated() : Optional.empty();
    }

    private String next(CampaignResult result, Left left) {
        if (!left.asFound()) {
            return "The same command" + (options.fresh() ? " without --new" : "")
                    + " tries again to leave the server as it was found; no finished trial is repeated.";
        }
        if (result.verdict() == Verdict.STOPPED) {
            return "The same command" + (options.fresh() ? " without --new" : "") + " goes on with campaign "
                    + result.id() + "; no finished trial is repeated.";
        }
        if (result.verdict() == Verdict.BUDGET) {
            return "More certainty: the same command with a larger --budget"
                    + (options.fresh() ? " and without --new" : "") + " goes on with campaign " + result.id()
                    + "; no finished trial is repeated.";
        }
        boolean onServer = target instanceof TuneTarget.Running || (target instanceof TuneTarget.Own own && own.vllm());
        return onServer
                ? "All figures: bestfit list --db " + options.database() + " --show-metrics"
                : "Next, on your server: bestfit tune --node http://HOST:8080 --model DIRECTORY";
    }

    /** How the server was left. */
    private record Left(boolean asFound, String sentence) {}

    /** Our own node ends with us, so nothing is left on it. */
    private Left restore(Campaign campaign, NodeClient node) {
        if (target instanceof TuneTarget.Own) {
            campaign.restored();
            return new Left(true, "Server left as found: nothing runs.");
        }
        if (!campaign.owesRestore()) {
            return new Left(true, "Server left as found: nothing was deployed.");
        }
        progress.say(campaign.before()
                .map(each -> "what ran before is started again: " + each.model() + " " + ArgsText.write(each.args()))
                .orElse("what was deployed last is stopped: nothing ran before"));
        try {
            var sentence = new Restore(campaign.before()).run(node);
            campaign.restored();
            return new Left(true, sentence);
        } catch (IOException e) {
            System.err.println("bestfit: the server could not be left as it was found: " + e.getMessage()
                    + "; the same command tries again, and goes on");
            return new Left(false, "Server NOT left as found: " + e.getMessage());
        }
    }

    private static void cancelStart(NodeClient node) {
        try {
            node.stop();
        } catch (IOException e) {
            // The main thread meets the same error and reports it.
        }
    }

    /** Says what is to come; false when the user must allow something first. */
    private boolean announce(Campaign campaign, NodeClient node) throws IOException {
        if (announced) {
            return true;
        }
        announced = true;
        boolean busy = target instanceof TuneTarget.Running && node.state().serving();
        OutlookReport.text(spec, campaign.outlook(), options.server(), busy).forEach(progress::say);
        options.budget()
                .ifPresent(budget -> progress.say("budget: "
                        + (budget.toMinutes() < 2 ? budget.toSeconds() + " s" : budget.toMinutes() + " minutes")
                        + " for all runs of this command; no trial begins that would end later"));
        if (TerminalStreams.isTerminal(TerminalStreams.INPUT)) {
            progress.say("q or Ctrl-C stops after the block under way; the same command goes on later");
        }
        return !busy || campaign.owesRestore() || mayInterrupt(campaign);
    }

    private boolean mayInterrupt(Campaign campaign) {
        if (campaign.before().isEmpty()) {
            System.err.println("bestfit: " + target.title() + " serves a model but does not tell with which args, so it"
                    + " could not be started again; say them with --baseline, or stop it first.");
            return false;
        }
        if (options.mayInterrupt()) {
            return true;
        }
        var ran = campaign.before().map(each -> each.model()).orElse("a model");
        var console = Optional.ofNullable(System.console()).filter(Console::isTerminal);
        if (console.isPresent()) {
            var answer = console.get().readLine("%s", ran + " is served there now. Interrupt it? [y/N] ");
            return answer != null && answer.strip().toLowerCase(Locale.ROOT).startsWith("y");
        }
        System.err.println("bestfit: " + ran + " is served on " + target.title()
                + " now; give --replace to interrupt it (it runs again afterwards).");
        return false;
    }
}
