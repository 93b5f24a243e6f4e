package bestfit.tune;

import bestfit.args.DeploymentConfig;
import bestfit.config.Json;
import bestfit.store.CampaignRow;
import bestfit.store.CampaignStore;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * What a node ran before a campaign touched it, as the database keeps it.
 *
 * @param baseline when the campaign began, over all runs of its command; it stays, since trials are compared with it
 * @param restore what is to run again at the end of this run of the command; empty for nothing
 * @param owed the node was touched and not restored since
 */
record Before(Optional<DeploymentConfig> baseline, Optional<DeploymentConfig> restore, boolean owed) {
    /**
     * What an earlier run left owing is restored; else what runs now, which the user may have changed meanwhile.
     *
     * @param stored of this campaign; empty in its first run
     * @param left what another campaign left owing
     */
    static Before of(Optional<Before> stored, Optional<Before> left, Optional<DeploymentConfig> running) {
        var ran = left.map(Before::restore).orElse(running);
        boolean owed = left.isPresent();
        return stored.map(each -> each.owed ? each : new Before(each.baseline, ran, owed))
                .orElseGet(() -> new Before(ran, ran, owed));
    }

    /**
     * What another command's campaign owes that was killed, if its trial or nothing runs there still: it is restored by the
     * next campaign, whichever that is, or nobody would know any more what ran before both.
     */
    static Optional<Before> leftOwing(
            CampaignStore campaigns, CampaignRow own, String node, Optional<DeploymentConfig> running) {
        return owing(campaigns, own, node)
                .filter(other -> running.isEmpty()
                        || campaigns.trials(other.id()).stream()
                                .map(trial -> ConfigJson.read(Json.parse(trial.config())))
                                .anyMatch(running.get()::equals))
                .map(other -> read(String.valueOf(other.before())))
                .findFirst();
    }

    /** Others owe nothing there any more. */
    static void settle(CampaignStore campaigns, CampaignRow own, String node) {
        owing(campaigns, own, node)
                .forEach(other -> campaigns.setBefore(
                        other.id(),
                        read(String.valueOf(other.before())).owing(false).toJson()));
    }

    private static Stream<CampaignRow> owing(CampaignStore campaigns, CampaignRow own, String node) {
        return campaigns.openAt(node).stream()
                .filter(other -> other.id() != own.id()
                        && Optional.ofNullable(other.before())
                                .filter(before -> read(before).owed)
                                .isPresent());
    }

    Before owing(boolean nowOwed) {
        return new Before(baseline, restore, nowOwed);
    }

    static Before read(String text) {
        var json = Json.parse(text);
        return new Before(
                config(json.path("baseline")),
                config(json.path("restore")),
                json.path("owed").asBoolean(false));
    }

    String toJson() {
        var json = Json.object();
        json.set("baseline", node(baseline));
        json.set("restore", node(restore));
        return Json.write(json.put("owed", owed));
    }

    private static Optional<DeploymentConfig> config(JsonNode json) {
        return json.isObject() ? Optional.of(ConfigJson.read(json)) : Optional.empty();
    }

    private static @Nullable JsonNode node(Optional<DeploymentConfig> config) {
        return config.map(ConfigJson::write).orElse(null);
    }
}
