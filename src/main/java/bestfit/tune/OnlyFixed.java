package bestfit.tune;

import bestfit.config.Problems;
import bestfit.workload.LengthDistribution;
import bestfit.workload.LoadShape;
import bestfit.workload.PromptPlan;
import bestfit.workload.Workload;

/**
 * A workload as a campaign can send it: users in a closed loop, each request alone, of fixed lengths, so that every block of
 * every config does the same work. What else is asked for becomes a problem under its key.
 */
record OnlyFixed(Workload workload, String otherwise, Problems problems) {
    OnlyFixed {
        if (!workload.chat()) {
            problem(problems, workload, otherwise, "endpoint", "tune sends chat completions; leave it out.");
        }
        if (workload.turns().most() > 1) {
            problem(
                    problems,
                    workload,
                    otherwise,
                    "conversation.turns",
                    "tune sends requests that stand alone; leave it out.");
        }
        if (!workload.exactOutput()) {
            problem(
                    problems,
                    workload,
                    otherwise,
                    "output.exact",
                    "tune compares answers of one length; leave it out.");
        }
    }

    String name() {
        return workload.name().isEmpty() ? otherwise : workload.name();
    }

    int users() {
        switch (workload.load()) {
            case LoadShape.Users(int count, var rampUp) -> {
                if (!rampUp.isZero()) {
                    problem("load.ramp_up", "tune lets all users begin at once; leave it out.");
                }
                return count;
            }
            case LoadShape.Rate _ -> problem("load.rate", "tune measures closed loops; give users.");
            case LoadShape.Replay _ -> problem("load.replay_speed", "tune measures closed loops; give users.");
        }
        return 1;
    }

    int promptTokens() {
        switch (workload.prompt()) {
            case PromptPlan.Generated(var tokens, int prefixTokens, int _) -> {
                if (prefixTokens > 0) {
                    problem("prompt.shared_prefix_tokens", "tune sends prompts that share no beginning; leave it out.");
                }
                return fixed("prompt.tokens", tokens);
            }
            case PromptPlan.FromFile _ -> problem("prompt.file", "tune makes its prompts; give tokens.");
        }
        return 1;
    }

    int outputTokens() {
        return workload.output().map(tokens -> fixed("output.tokens", tokens)).orElse(1);
    }

    private int fixed(String key, LengthDistribution tokens) {
        if (tokens instanceof LengthDistribution.Fixed(int count)) {
            return count;
        }
        problem(
                key,
                tokens.text() + " differs from request to request; tune takes one number, such as its mean of "
                        + Math.round(tokens.mean()) + ".");
        return 1;
    }

    void problem(String key, String what) {
        problem(problems, workload, otherwise, key, what);
    }

    private static void problem(Problems problems, Workload workload, String otherwise, String key, String what) {
        problems.add(
                "--workload: " + (workload.name().isEmpty() ? otherwise : workload.name()) + ": " + key + ": " + what);
    }
}
