package bestfit.tune;

import bestfit.config.Json;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Optional;
import tools.jackson.databind.node.ObjectNode;

/**
 * What a campaign is asked to find.
 *
 * @param where the node's URL, or this machine's name
 * @param engine with its version
 * @param modelConfig text of the model's config.json
 * @param explicitBaseline the user's, which counts where nothing ran before
 * @param fault made on purpose in the engines
 * @param slowStarts the engines are vLLM on GPUs: a start takes a minute and more
 */
public record CampaignSpec(
        String where,
        String engine,
        int devices,
        ModelShape model,
        String modelConfig,
        SearchSpace space,
        TuneWorkload workload,
        Objective objective,
        Optional<Candidate> explicitBaseline,
        Optional<String> fault,
        boolean slowStarts) {

    /** All that makes two campaigns the same, as JSON; its hash is the key under which one is resumed. */
    public String toJson() {
        ObjectNode json = Json.object()
                .put("where", where)
                .put("engine", engine)
                .put("devices", devices)
                .put("model", model.name())
                .put("model_config_sha256", sha256(modelConfig))
                .put("objective", objective.toString());
        json.set("workload", Json.parse(workload.toJson()));
        var candidates = json.putArray("space");
        space.candidates().forEach(each -> candidates.add(ConfigJson.write(each.config())));
        explicitBaseline.ifPresent(each -> json.set("baseline", ConfigJson.write(each.config())));
        fault.ifPresent(each -> json.put("fault", each));
        return Json.write(json);
    }

    /** Hash of {@link #toJson}. */
    public String key() {
        return sha256(toJson());
    }

    private static String sha256(String text) {
        try {
            var digest = MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(digest);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }
}
