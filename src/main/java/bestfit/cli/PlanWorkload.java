package bestfit.cli;

import bestfit.config.Problems;
import bestfit.perf.Load;
import bestfit.workload.Extent;
import bestfit.workload.LengthDistribution;
import bestfit.workload.LoadShape;
import bestfit.workload.PromptPlan;
import bestfit.workload.Workload;
import bestfit.workload.WorkloadFile;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A workload as plan can predict it: users in a closed loop, or Poisson arrivals. What it cannot predict is a problem under its
 * key; what it predicts by its mean is said in {@code notes}.
 */
final class PlanWorkload {
    private final Workload workload;
    private final Problems problems = new Problems();
    private final List<String> notes = new ArrayList<>();

    private PlanWorkload(Workload workload) {
        this.workload = workload;
    }

    /** The load, with a line on standard error for each note. */
    static Load read(Path file, @Nullable String entry) {
        var problems = new Problems();
        var workload = WorkloadFile.one(file, entry, problems);
        problems.throwIfAny();
        var plan = new PlanWorkload(workload);
        var load = plan.load();
        plan.problems.throwIfAny();
        plan.notes.forEach(note -> System.err.println("bestfit: " + note));
        return load;
    }

    private Load load() {
        if (workload.turns().most() > 1) {
            problem("conversation.turns", "conversations are not predicted; give requests that stand alone.");
        }
        double input = switch (workload.prompt()) {
            case PromptPlan.Generated(var tokens, int prefixTokens, int _) -> {
                if (prefixTokens > 0) {
                    problem(
                            "prompt.shared_prefix_tokens",
                            "what the prefix cache saves is not predicted; leave it out.");
                }
                yield mean("prompt.tokens", tokens);
            }
            case PromptPlan.FromFile _ -> {
                problem("prompt.file", "prompts of a file are not predicted; give tokens, such as histogram:….");
                yield 1;
            }
        };
        double output =
                workload.output().map(tokens -> mean("output.tokens", tokens)).orElse(1.0);
        if (workload.slo().isPresent()) {
            notes.add("slo: goodput is not predicted.");
        }
        return switch (workload.load()) {
            case LoadShape.Users(int count, var _) -> new Load(input, output, count, 0, requests(10.0 * count, 0));
            case LoadShape.Rate(double perSecond, double burstiness, int _) -> {
                if (burstiness != 1) {
                    problem("load.burstiness", burstiness + ": only Poisson arrivals are predicted; leave it out.");
                }
                yield new Load(input, output, 0, perSecond, requests(100, perSecond));
            }
            case LoadShape.Replay _ -> {
                problem("load.replay_speed", "a trace's times are not predicted; give users or a rate.");
                yield new Load(input, output, 1, 0, 10);
            }
        };
    }

    private double requests(double otherwise, double perSecond) {
        return switch (workload.extent()) {
            case Extent.Requests(int count) -> count;
            case Extent.Lasting(Duration length) -> Math.max(otherwise, perSecond * length.toSeconds());
            case Extent.Endless() -> otherwise;
        };
    }

    private double mean(String key, LengthDistribution tokens) {
        double mean = tokens.mean();
        if (!(tokens instanceof LengthDistribution.Fixed)) {
            notes.add(key + ": " + tokens.text() + " is predicted as its mean, " + Math.round(mean) + " tokens each.");
        }
        return mean;
    }

    private void problem(String key, String what) {
        problems.add("--workload: " + (workload.name().isEmpty() ? "" : workload.name() + ": ") + key + ": " + what);
    }
}
