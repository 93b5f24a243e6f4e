package bestfit.tune;

import bestfit.config.Json;
import bestfit.load.SelfCheck;
import java.util.ArrayList;
import java.util.List;

/**
 * The load generator's doubt about its own figures, over several runs.
 *
 * @param reasons why a run was INVALID, each with what to do; empty if all were VALID
 * @param cpuShare of one core, mean
 * @param sendLagMillis worst
 */
public record ClientCheck(List<String> reasons, double cpuShare, double sendLagMillis) {
    public ClientCheck {
        reasons = List.copyOf(reasons);
    }

    static ClientCheck of(List<SelfCheck> checks) {
        var reasons = checks.stream()
                .flatMap(check -> check.reasons().stream())
                .distinct()
                .toList();
        return new ClientCheck(
                reasons,
                checks.stream().mapToDouble(SelfCheck::cpuShare).average().orElse(0),
                checks.stream().mapToDouble(SelfCheck::sendLagMillis).max().orElse(0));
    }

    /** One for a whole campaign. */
    static ClientCheck all(List<ClientCheck> checks) {
        return new ClientCheck(
                checks.stream()
                        .flatMap(check -> check.reasons().stream())
                        .distinct()
                        .toList(),
                checks.stream().mapToDouble(ClientCheck::cpuShare).average().orElse(0),
                checks.stream().mapToDouble(ClientCheck::sendLagMillis).max().orElse(0));
    }

    public boolean valid() {
        return reasons.isEmpty();
    }

    String toJson() {
        var json = Json.object().put("cpu_share", cpuShare).put("send_lag_ms", sendLagMillis);
        json.set("reasons", ConfigJson.strings(reasons));
        return json.toString();
    }

    static ClientCheck read(String text) {
        var json = Json.parse(text);
        var reasons = new ArrayList<String>();
        json.path("reasons").forEach(each -> reasons.add(each.asString("")));
        return new ClientCheck(
                reasons,
                json.path("cpu_share").asDouble(),
                json.path("send_lag_ms").asDouble());
    }
}
