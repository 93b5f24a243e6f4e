package bestfit.deploy;

import bestfit.args.DeploymentConfig;
import java.io.IOException;
import java.util.Optional;

/**
 * Leaves a node as it was found.
 *
 * @param before what ran; empty for nothing
 */
public record Restore(Optional<DeploymentConfig> before) {
    /**
     * Ends what runs and starts what ran before.
     *
     * @return what was done, a sentence for the user
     * @throws IOException if the node cannot be reached, or what ran before does not start again
     */
    public String run(NodeClient node) throws IOException {
        node.stop();
        if (before.isEmpty()) {
            return "Server left as found: nothing runs.";
        }
        return switch (node.up(before.get())) {
            case NodeClient.Start.Up() -> "Server left as found: what ran before runs again.";
            case NodeClient.Start.Failed(var message, var failure) ->
                throw new IOException("what ran before does not start again: "
                        + failure.map(each -> each.line()).orElse(message));
            case NodeClient.Start.Busy(var message) ->
                throw new IOException("what ran before cannot be started again: " + message);
        };
    }
}
