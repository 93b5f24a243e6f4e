package bestfit.node;

import java.util.List;
import java.util.Map;

/**
 * How to start one process.
 *
 * @param ownSession the command makes itself the leader of a session, so that all it starts can be found again
 * @param parentPipe it ends when its standard input ends, which happens when this process dies
 * @param politely what asks it to end: vLLM ends its workers by itself on an interrupt, containers know a termination
 */
record Launch(
        List<String> command,
        Map<String, String> environment,
        boolean ownSession,
        boolean parentPipe,
        Signal politely) {
    Launch {
        command = List.copyOf(command);
        environment = Map.copyOf(environment);
    }
}
