package bestfit.mlnode;

import bestfit.config.Json;
import bestfit.mlnode.InstanceStatus.FailureStatus;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/**
 * Answer of {@code GET /api/v1/inference/up/status}.
 *
 * @param status one of {@code not_started}, {@code in_progress}, {@code completed}, {@code failed}
 * @param elapsedSeconds since the start was asked for, growing after its end as MLNode's does; null when none is under way
 *     or done
 * @param failure why it failed; a field of our own beside MLNode's {@code error}
 */
public record UpStatus(
        String status,
        boolean running,
        @Nullable Double elapsedSeconds,
        @Nullable FailureStatus failure) {
    public static final UpStatus NOT_STARTED = new UpStatus("not_started", false, null, null);
    public static final UpStatus IN_PROGRESS = new UpStatus("in_progress", false, 0.0, null);
    public static final UpStatus COMPLETED = new UpStatus("completed", true, 0.0, null);

    public static UpStatus failed(FailureStatus failure) {
        return new UpStatus("failed", false, null, failure);
    }

    /** This status as told now. */
    public UpStatus at(boolean runningNow, Duration sinceAsked) {
        var elapsed = elapsedSeconds == null ? null : Double.valueOf(sinceAsked.toMillis() / 1e3);
        return new UpStatus(status, runningNow, elapsed, failure);
    }

    public ObjectNode toJson() {
        var json = Json.object()
                .put("status", status)
                .put("is_starting", status.equals("in_progress"))
                .put("is_running", running)
                .put("elapsed_seconds", elapsedSeconds);
        if (failure == null) {
            return json.putNull("error");
        }
        json.put("error", failure.name() + ": " + failure.line()).set("failure", failure.toJson());
        return json;
    }
}
