package bestfit.tune;

import bestfit.load.ClientSamples;
import bestfit.load.SelfCheck;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The load generator's doubt about a campaign's figures. All blocks of an experiment of a config are judged together, as
 * they are compared: one disturbed block among forty shows in the intervals and takes no figure's validity.
 *
 * @param reasons why a config's experiment is INVALID, each with what to do; empty if all are VALID
 * @param cpuShare of one core, mean
 * @param sendLagMillis the worst 95th percentile of an experiment of a config
 * @param worstBlock the block whose requests left latest, for people; empty without any
 */
public record ClientCheck(List<String> reasons, double cpuShare, double sendLagMillis, String worstBlock) {
    public ClientCheck {
        reasons = List.copyOf(reasons);
    }

    private record Worst(String title, double sendLagMillis) {}

    /** @param runs by the config's title */
    static ClientCheck of(Map<String, List<ClientRun>> runs) {
        var reasons = new ArrayList<String>();
        double sendLag = 0;
        var worst = new Worst("", -1);
        for (var config : runs.entrySet()) {
            for (var experiment : byExperiment(config.getValue()).entrySet()) {
                var here = experiment.getKey() + " of " + config.getKey();
                var check = SelfCheck.of(together(experiment.getValue()));
                var block = worst(here, experiment.getValue());
                check.reasons()
                        .forEach(reason -> reasons.add("%s: %s Worst: %s.".formatted(here, reason, sentence(block))));
                sendLag = Math.max(sendLag, check.sendLagMillis());
                worst = block.sendLagMillis() > worst.sendLagMillis() ? block : worst;
            }
        }
        var all = together(runs.values().stream().flatMap(List::stream).toList());
        return new ClientCheck(
                reasons,
                all.cpuNanos() / Math.max(1, all.wallNanos()),
                sendLag,
                worst.title().isEmpty() ? "" : sentence(worst));
    }

    private static Map<String, List<ClientRun>> byExperiment(List<ClientRun> runs) {
        var experiments = new LinkedHashMap<String, List<ClientRun>>();
        runs.forEach(each -> experiments
                .computeIfAbsent(each.experiment(), _ -> new ArrayList<>())
                .add(each));
        return experiments;
    }

    private static ClientSamples together(List<ClientRun> runs) {
        return ClientSamples.together(runs.stream().map(ClientRun::samples).toList());
    }

    private static Worst worst(String title, List<ClientRun> runs) {
        var worst = new Worst("", -1);
        for (var run : runs) {
            double lag = SelfCheck.of(run.samples()).sendLagMillis();
            if (lag > worst.sendLagMillis()) {
                worst = new Worst("block " + (run.block() + 1) + ", " + title, lag); // counted from 1, as progress does
            }
        }
        return worst;
    }

    private static String sentence(Worst worst) {
        return "%s, %.1f ms".formatted(worst.title(), worst.sendLagMillis());
    }

    public boolean valid() {
        return reasons.isEmpty();
    }
}
