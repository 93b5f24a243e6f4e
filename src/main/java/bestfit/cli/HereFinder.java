package bestfit.cli;

import bestfit.deploy.NodeAddress;
import bestfit.deploy.NodeClient;
import bestfit.hardware.GpuSource;
import bestfit.hardware.SmiInventory;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** What this machine has that a campaign on the embedded model would be beside the point of. */
final class HereFinder {
    private static final String NODE = "http://127.0.0.1:8080";

    private HereFinder() {}

    /** Each thing found with the command that fits it; empty on a bare machine. */
    static List<String> suggestions(Map<String, String> environment) {
        var found = new ArrayList<String>();
        var reading = GpuSource.readHere(environment);
        boolean gpu = SmiInventory.present(reading);
        boolean vllm = SmiInventory.onPath("vllm", environment).isPresent();
        if (nodeRuns()) {
            found.add("a node runs at " + NODE + ":     bestfit tune --node " + NODE + " --model DIRECTORY");
        }
        if (gpu || vllm) {
            var what = gpu && vllm ? "NVIDIA GPUs and vLLM" : gpu ? "NVIDIA GPUs" : "vLLM";
            found.add(what + ":     bestfit tune --engine vllm --model DIRECTORY");
        }
        if (!found.isEmpty()) {
            found.add("to see bestfit work without them:     bestfit tune --engine embedded");
        }
        if (found.isEmpty() && reading.problem() != null) {
            System.err.println("bestfit: nvidia-smi is here but tells no GPU: " + reading.problem()
                    + "; going on with this machine's cores");
        }
        return found;
    }

    private static boolean nodeRuns() {
        try {
            new NodeClient(NodeAddress.of(NODE, null)).state();
            return true;
        } catch (IOException e) {
            return false;
        }
    }
}
