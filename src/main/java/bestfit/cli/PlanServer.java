package bestfit.cli;

import bestfit.config.ConfigException;
import bestfit.deploy.NodeAddress;
import bestfit.deploy.NodeClient;
import bestfit.hardware.ServerSpec;
import java.io.IOException;

/** The server that a running node tells of. */
final class PlanServer {
    private PlanServer() {}

    /** @throws ConfigException if the node does not answer, tells no GPU, or GPUs that differ or are not known */
    static ServerSpec of(String url) {
        var address = NodeAddress.of(url, null);
        try {
            var gpus = new NodeClient(address).gpus();
            if (gpus.isEmpty()) {
                throw new ConfigException(
                        "--server " + url + ": the node tells no GPU (MLNode tells them since 3.0.8); "
                                + "name the server instead, such as 8x4070tis");
            }
            var names = gpus.stream().map(gpu -> gpu.name()).distinct().toList();
            if (names.size() > 1) {
                throw new ConfigException("--server " + url + ": its GPUs differ: " + String.join(", ", names)
                        + "; one kind at a time can be planned for, such as " + gpus.size() + "x" + names.getFirst());
            }
            return ServerSpec.parse(gpus.size() + "x" + names.getFirst());
        } catch (IOException e) {
            throw new ConfigException("--server " + url + ": " + e.getMessage()
                    + "; the management port of a running node is expected, such as http://HOST:8080");
        }
    }
}
