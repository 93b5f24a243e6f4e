package bestfit.node;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;

/**
 * How a node runs.
 *
 * @param host bound by both ports
 * @param managementPort 0 takes a free one
 * @param inferencePort engines listen on the ports above it; 0 takes one with as many free ports above it as there are devices
 * @param devices shared out to instances
 * @param replaceRunning a deployment that runs is stopped for a new one; otherwise the new one is refused
 * @param startTimeout for all instances to answer
 * @param hangGrace how long an engine with requests may make no token; zero or less switches the check off
 * @param home holds the records of running nodes and the engines' logs
 * @param environment of this process; engines inherit it without secrets
 * @param version told by the management API
 */
public record NodeOptions(
        String host,
        int managementPort,
        int inferencePort,
        EngineProgram engine,
        int devices,
        boolean replaceRunning,
        Duration startTimeout,
        Duration hangGrace,
        Path home,
        Map<String, String> environment,
        String version) {
    public NodeOptions {
        environment = Map.copyOf(environment);
    }
}
