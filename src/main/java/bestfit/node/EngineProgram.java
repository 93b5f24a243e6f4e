package bestfit.node;

import java.util.List;
import java.util.Optional;

/** What a node starts for each instance. */
public sealed interface EngineProgram {
    /**
     * This project's own engine, in a JVM like this one.
     *
     * @param fault passed on as {@code --fault}
     * @param simulation {@code --simulate} and {@code --time-scale} as passed on, empty to compute for real
     */
    record Embedded(Optional<String> fault, List<String> simulation) implements EngineProgram {}

    /** vLLM's OpenAI server, run by this Python interpreter. */
    record Vllm(String python) implements EngineProgram {}

    /** A program of the user's with vLLM's flags and HTTP API. */
    record Command(CommandTemplate template) implements EngineProgram {}
}
