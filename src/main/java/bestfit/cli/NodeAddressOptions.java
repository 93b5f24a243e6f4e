package bestfit.cli;

import bestfit.config.ConfigException;
import bestfit.deploy.NodeAddress;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** A node that runs already. */
final class NodeAddressOptions {
    @Option(
            names = "--node",
            paramLabel = "URL",
            description = "Management URL of a running node, such as http://HOST:8080.")
    @Nullable
    String node;

    @Option(names = "--inference", paramLabel = "URL", description = "Its inference URL (port 5000 of the same host).")
    @Nullable
    private String inference;

    /**
     * Empty if no node is named.
     *
     * @throws ConfigException if what is given is no address, or an inference URL alone
     */
    Optional<NodeAddress> address() {
        if (node == null && inference != null) {
            throw new ConfigException("--inference " + inference + " belongs to a node; give --node too");
        }
        return Optional.ofNullable(node).map(url -> NodeAddress.of(url, inference));
    }
}
