package bestfit.node;

import bestfit.mlnode.InstanceStatus;
import bestfit.mlnode.NodeState;
import bestfit.mlnode.UpRequest;
import bestfit.mlnode.UpStatus;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import tools.jackson.databind.node.ObjectNode;

/** What serves behind a node's ports, and the changes of it. Thread-safe. */
interface Engines {
    /** Begins to serve what is there already, if anything is. */
    void open() throws IOException;

    /** Starts and waits for the end of it. */
    UpResult up(UpRequest request);

    /** Starts in the background; a result when that cannot begin. */
    Optional<UpResult> upAsync(UpRequest request);

    /** Ends what runs or starts, and returns when nothing is left; a reason if this node may not. */
    Optional<String> down();

    /** Ends everything of this node's and starts nothing more. */
    void shutDown();

    NodeState state();

    UpStatus upStatus();

    /** False while something is deployed and no instance of it could take a request. */
    boolean healthy();

    List<InstanceStatus> instances();

    /** What is deployed: the request, since when, and how each instance was started. */
    Optional<ObjectNode> current();

    /** The log of an instance that runs or ran last. */
    Optional<InstanceLog> log(int instance);

    /** The Prometheus text of each serving instance, by index; empty for one that gives none. */
    List<Optional<String>> metrics();
}
