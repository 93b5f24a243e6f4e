package bestfit.mlnode;

import bestfit.config.Json;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/**
 * Answer of {@code GET /api/v1/inference/up/status}.
 *
 * @param status one of {@code not_started}, {@code in_progress}, {@code completed}, {@code failed}
 * @param elapsedSeconds since the start was asked for; null when none is under way or done
 */
public record UpStatus(
        String status,
        boolean running,
        @Nullable Double elapsedSeconds,
        @Nullable String error) {
    public static final UpStatus NOT_STARTED = new UpStatus("not_started", false, null, null);

    public ObjectNode toJson() {
        return Json.object()
                .put("status", status)
                .put("is_starting", status.equals("in_progress"))
                .put("is_running", running)
                .put("elapsed_seconds", elapsedSeconds)
                .put("error", error);
    }
}
