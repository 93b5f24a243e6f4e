package bestfit.hardware;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Finds NVIDIA GPUs and programs of this machine. */
public final class SmiInventory {
    private SmiInventory() {}

    /** NVIDIA GPUs of this machine that can be used; empty without GPU or driver. */
    public static List<Device> gpus(Map<String, String> environment) {
        return GpuSource.readHere(environment).devices();
    }

    /** True when a GPU is there, whether or not its driver lets it be used. */
    public static boolean present(GpuReading reading) {
        return Files.exists(Path.of("/dev/nvidia0")) || !reading.gpus().isEmpty();
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
