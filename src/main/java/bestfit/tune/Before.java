package bestfit.tune;

import bestfit.args.DeploymentConfig;
import bestfit.config.Json;
import java.util.Optional;
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
    static Before first(Optional<DeploymentConfig> running) {
        return new Before(running, running, false);
    }

    /** A later run: what was left owing is restored; else what runs now, which the user may have changed meanwhile. */
    Before later(Optional<DeploymentConfig> running) {
        return owed ? this : new Before(baseline, running, false);
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
        return json.put("owed", owed).toString();
    }

    private static Optional<DeploymentConfig> config(JsonNode json) {
        return json.isObject() ? Optional.of(ConfigJson.read(json)) : Optional.empty();
    }

    private static @Nullable JsonNode node(Optional<DeploymentConfig> config) {
        return config.map(ConfigJson::write).orElse(null);
    }
}
