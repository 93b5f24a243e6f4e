package bestfit.hardware;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** Finds NVIDIA GPUs and programs of this machine. */
public final class SmiInventory {
    private static final String QUERY = "--query-gpu=index,name,memory.total";

    private SmiInventory() {}

    /** NVIDIA GPUs as {@code nvidia-smi} tells them; empty without GPU, driver or that program. */
    public static List<Device> gpus(Map<String, String> environment) {
        var smi = onPath("nvidia-smi", environment);
        if (smi.isEmpty()) {
            return List.of();
        }
        try {
            var process = new ProcessBuilder(smi.get().toString(), QUERY, "--format=csv,noheader,nounits")
                    .redirectError(ProcessBuilder.Redirect.DISCARD)
                    .start();
            process.getOutputStream().close();
            var text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            if (!process.waitFor(20, TimeUnit.SECONDS) || process.exitValue() != 0) {
                process.destroyForcibly();
                return List.of();
            }
            return parse(text);
        } catch (IOException e) {
            return List.of();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return List.of();
        }
    }

    /** Lines of {@code index, name, memory in MiB}; lines in another form are skipped. */
    public static List<Device> parse(String csv) {
        var devices = new ArrayList<Device>();
        for (var line : csv.lines().toList()) {
            var cells = line.split(",", -1);
            if (cells.length == 3
                    && cells[0].strip().matches("\\d+")
                    && cells[2].strip().matches("\\d+")) {
                devices.add(new Device(
                        Device.Kind.GPU,
                        Integer.parseInt(cells[0].strip()),
                        cells[1].strip(),
                        Long.parseLong(cells[2].strip()) << 20));
            }
        }
        return devices;
    }

    /** True when a GPU is present, whether or not {@code nvidia-smi} is. */
    public static boolean gpuPresent(Map<String, String> environment) {
        return Files.exists(Path.of("/dev/nvidia0")) || !gpus(environment).isEmpty();
    }

    /** An executable of the PATH. */
    public static Optional<Path> onPath(String program, Map<String, String> environment) {
        for (var folder : environment.getOrDefault("PATH", "").split(":", -1)) {
            if (!folder.isEmpty()) {
                var file = Path.of(folder, program);
                if (Files.isExecutable(file) && !Files.isDirectory(file)) {
                    return Optional.of(file);
                }
            }
        }
        return Optional.empty();
    }
}
