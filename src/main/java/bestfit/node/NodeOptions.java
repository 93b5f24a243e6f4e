package bestfit.node;

import bestfit.hardware.VisibleGpus;
import bestfit.http.HttpServer;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * How a node runs.
 *
 * @param host bound by both ports
 * @param managementPort 0 takes a free one
 * @param inferencePort engines listen on the ports above it; 0 takes one with as many free ports above it as there are devices
 * @param devices shared out to instances
 * @param replaceRunning a deployment that runs is stopped for a new one; otherwise the new one is refused
 * @param startLimit for all instances to answer
 * @param hangGrace how long an engine with requests may make no token; zero or less switches the check off
 * @param drain how long a replaced deployment may finish what it has
 * @param attached engines that run already, balanced instead of any of this node's own; none in the usual case
 * @param security who may ask, and for what
 * @param limits of both ports
 * @param home holds the records of running nodes and the engines' logs
 * @param environment of this process; engines inherit it without secrets
 * @param version told by the management API
 */
public record NodeOptions(
        String host,
        int managementPort,
        int inferencePort,
        EngineProgram engine,
        Devices devices,
        boolean replaceRunning,
        StartLimit startLimit,
        Duration hangGrace,
        Duration drain,
        List<URI> attached,
        Security security,
        HttpServer.Limits limits,
        Path home,
        Map<String, String> environment,
        String version) {
    public NodeOptions {
        environment = Map.copyOf(environment);
        attached = List.copyOf(attached);
    }

    /** In which the GPUs are those that this node's engines get; the embedded engine gets cores, so there the operator's word holds. */
    Map<String, String> gpuEnvironment() {
        if (engine instanceof EngineProgram.Embedded) {
            return environment;
        }
        var narrowed = new HashMap<>(environment);
        narrowed.put(VisibleGpus.VARIABLE, String.join(",", devices.entries()));
        return narrowed;
    }

    /**
     * Files of the operator's; none opens the node to whoever reaches its ports.
     *
     * @param managementToken holds the bearer token for the management API
     * @param inferenceToken holds the one for {@code /v1}, on both ports
     * @param allowedArgs names the args that are let through although they can load code, by model
     */
    public record Security(Optional<Path> managementToken, Optional<Path> inferenceToken, Optional<Path> allowedArgs) {
        public static final Security NONE = new Security(Optional.empty(), Optional.empty(), Optional.empty());
    }
}
