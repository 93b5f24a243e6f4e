package bestfit.tune;

import bestfit.config.Json;
import bestfit.hardware.Gpu;
import bestfit.store.TrialRow;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * What one GPU did while one trial was measured: its blocks, and none of the start before.
 *
 * @param deployment of the candidate, from 0
 * @param seen as {@link bestfit.hardware.GpuSampler} sums it up
 */
public record GpuRun(int deployment, JsonNode seen) {
    static List<GpuRun> of(List<TrialRow> trials) {
        var runs = new ArrayList<GpuRun>();
        for (var trial : trials) {
            var gpus = trial.gpus();
            if (gpus != null) {
                Json.parse(gpus).forEach(seen -> runs.add(new GpuRun(trial.deployment(), seen)));
            }
        }
        return runs;
    }

    /** Heat or power supply held its clocks down, so that the trial's figures may be too low: what, how often, how far; a line. */
    public Optional<String> throttled() {
        return slowed(Gpu::isTrouble).map(reasons -> "GPU " + index() + " was throttled: " + reasons + least());
    }

    /** It drew all the power that it may, which is usual under load. */
    public boolean powerCapped() {
        return slowed("power-cap"::equals).isPresent();
    }

    /** False where power and clocks are hidden, as MLNode hides them: whether it was throttled cannot be told then. */
    public boolean tellsClocks() {
        return seen.path("sm_clock_mhz_mean").isNumber();
    }

    public int index() {
        return seen.path("index").asInt();
    }

    private Optional<String> slowed(Predicate<String> which) {
        var parts = new ArrayList<String>();
        for (var reason : seen.path("slowed_by")) {
            var name = reason.asString("");
            if (which.test(name)) {
                parts.add(name + " in "
                        + seen.path("slowed_by_samples").path(name).asInt() + " of "
                        + seen.path("samples").asInt() + " samples");
            }
        }
        return parts.isEmpty() ? Optional.empty() : Optional.of(String.join(", ", parts));
    }

    private String least() {
        var mhz = seen.path("sm_clock_least_mhz");
        var celsius = seen.path("temperature_most_c");
        return (mhz.isNumber() ? ", down to " + mhz.asInt() + " MHz" : "")
                + (celsius.isNumber() ? ", up to " + celsius.asInt() + " °C" : "");
    }

    public ObjectNode toJson() {
        var json = Json.object().put("deployment", deployment);
        seen.properties().forEach(each -> json.set(each.getKey(), each.getValue()));
        return json;
    }
}
