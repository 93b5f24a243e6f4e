package bestfit.node;

import java.util.ArrayList;
import java.util.List;

/** The flags with which MLNode starts vLLM: its own first, the caller's last and unchanged. */
final class VllmFlags {
    private VllmFlags() {}

    static List<String> of(String model, String dtype, String host, int port, List<String> args) {
        var flags = new ArrayList<>(
                List.of("--model", model, "--dtype", dtype, "--port", Integer.toString(port), "--host", host));
        flags.addAll(args);
        return flags;
    }
}
