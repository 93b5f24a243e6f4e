package bestfit.cli;

import bestfit.config.ConfigException;
import bestfit.deploy.NodeAddress;
import bestfit.deploy.NodeTokens;
import java.nio.file.Path;
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

    @Option(
            names = "--management-token-file",
            paramLabel = "FILE",
            description = "File with the token that the node's management API asks for.")
    @Nullable
    private Path managementToken;

    @Option(
            names = "--inference-token-file",
            paramLabel = "FILE",
            description = "File with the token that its inference port asks for.")
    @Nullable
    private Path inferenceToken;

    /** The file whose token the management API asks for. */
    Optional<Path> managementToken() {
        return Optional.ofNullable(managementToken);
    }

    /**
     * Empty if no node is named.
     *
     * @throws ConfigException if what is given is no address, or an inference URL alone
     */
    Optional<NodeAddress> address() {
        if (node == null && inference != null) {
            throw new ConfigException("--inference " + inference + " belongs to a node; give --node too");
        }
        if (node == null && (managementToken != null || inferenceToken != null)) {
            throw new ConfigException(
                    "--management-token-file and --inference-token-file belong to a node; give --node too");
        }
        return Optional.ofNullable(node)
                .map(url -> NodeAddress.of(url, inference).with(NodeTokens.read(managementToken, inferenceToken)));
    }
}
