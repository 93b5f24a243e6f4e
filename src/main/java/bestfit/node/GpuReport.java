package bestfit.node;

import bestfit.config.Json;
import bestfit.hardware.SmiInventory;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/** GPUs and driver as the management API tells them, from {@code nvidia-smi}. */
record GpuReport(Map<String, String> environment) {
    private static final String FIELDS =
            "index,name,memory.total,memory.free,memory.used,utilization.gpu,temperature.gpu,driver_version";
    private static final int PATIENCE_SECONDS = 10;

    /** {@code {"devices":[…],"count":N}}; none without GPU, driver or that program. */
    ObjectNode devices() {
        var body = Json.object();
        var list = body.putArray("devices");
        for (var cells : query()) {
            var device = list.addObject().put("index", number(cells.get(0))).put("name", cells.get(1));
            device.put("total_memory_mb", number(cells.get(2)))
                    .put("free_memory_mb", number(cells.get(3)))
                    .put("used_memory_mb", number(cells.get(4)))
                    .put("utilization_percent", number(cells.get(5)))
                    .put("temperature_c", number(cells.get(6)))
                    .put("is_available", true)
                    .putNull("error_message");
        }
        return body.put("count", list.size());
    }

    /** The driver's version; empty without one. */
    Optional<String> driver() {
        return query().stream().map(cells -> cells.get(7)).findFirst();
    }

    private List<List<String>> query() {
        var smi = SmiInventory.onPath("nvidia-smi", environment);
        if (smi.isEmpty()) {
            return List.of();
        }
        try {
            var process = new ProcessBuilder(
                            smi.get().toString(), "--query-gpu=" + FIELDS, "--format=csv,noheader,nounits")
                    .redirectError(ProcessBuilder.Redirect.DISCARD)
                    .start();
            process.getOutputStream().close();
            var text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            boolean ended = process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS);
            if (!ended) {
                process.destroyForcibly();
            }
            return ended && process.exitValue() == 0 ? rows(text) : List.of();
        } catch (IOException broken) {
            return List.of();
        } catch (InterruptedException stop) {
            Thread.currentThread().interrupt();
            return List.of();
        }
    }

    private static List<List<String>> rows(String text) {
        int columns = FIELDS.split(",", -1).length;
        return text.lines()
                .map(line ->
                        Arrays.stream(line.split(",", -1)).map(String::strip).toList())
                .filter(cells -> cells.size() == columns)
                .toList();
    }

    /** {@code [N/A]}, which some GPUs answer for some fields, is null. */
    private static @Nullable Integer number(String cell) {
        return cell.matches("\\d{1,9}") ? Integer.valueOf(cell) : null;
    }
}
