package bestfit.deploy;

import bestfit.args.DeploymentConfig;
import bestfit.failure.FailureClassifier;
import bestfit.http.ErrorText;
import bestfit.mlnode.InstanceStatus;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * Puts a config on a node and makes sure that it serves: every instance answers a first request. Not thread-safe; one
 * deployment at a time.
 */
public final class Deployer {
    /** MLNode restarts itself after a failed start; docker needs some seconds for that. */
    public static final Duration NODE_PATIENCE = Duration.ofSeconds(60);

    private static final Duration SERVING_PATIENCE = Duration.ofSeconds(30);
    private static final long POLL_MILLIS = 200;

    private final NodeClient node;
    private final Duration patience;

    /** @param patience with a node that does not answer: {@link #NODE_PATIENCE}, unless it cannot come back */
    public Deployer(NodeClient node, Duration patience) {
        this.node = node;
        this.patience = patience;
    }

    /** What became of a deployment. */
    public sealed interface Outcome {
        /** @param instances 0 if the node does not tell */
        record Serving(int instances, double seconds) implements Outcome {}

        /**
         * @param name class of the failure
         * @param line the telling one
         * @param lines of the log
         */
        record Failed(String name, String line, List<String> lines) implements Outcome {
            public Failed {
                lines = List.copyOf(lines);
            }
        }
    }

    public NodeClient node() {
        return node;
    }

    /**
     * Ends what runs, starts {@code config}, and verifies it.
     *
     * @throws IOException if the node itself cannot be reached any more
     */
    public Outcome deploy(DeploymentConfig config) throws IOException, InterruptedException {
        long start = System.nanoTime();
        awaitNode();
        node.stop();
        NodeClient.Start started;
        try {
            started = node.up(config);
        } catch (IOException e) {
            awaitNode();
            return new Outcome.Failed("no-answer", "the node broke off the start: " + e.getMessage(), List.of());
        }
        return switch (started) {
            case NodeClient.Start.Up() -> verify(config, start);
            case NodeClient.Start.Busy(var message) -> new Outcome.Failed("busy", message, List.of(message));
            case NodeClient.Start.Failed(var message, var failure) -> failed(message, failure);
        };
    }

    private Outcome verify(DeploymentConfig config, long start) throws IOException, InterruptedException {
        var state = node.state();
        if (!state.serving()) {
            return lost("the node's state is " + state.state() + " after a start it called OK");
        }
        var instances = awaitServing();
        // Our node's engines listen beside it, so each can be asked; behind MLNode only the balanced port can.
        for (int i = 0; i < Math.max(1, instances); i++) {
            var refusal = firstRequest(config.model());
            if (refusal.isPresent()) {
                return lost(refusal.get());
            }
        }
        return new Outcome.Serving(instances, (System.nanoTime() - start) / 1e9);
    }

    private int awaitServing() throws IOException, InterruptedException {
        long deadline = System.nanoTime() + SERVING_PATIENCE.toNanos();
        while (true) {
            var instances = node.instances();
            if (instances.isEmpty()) {
                return 0;
            }
            boolean all = instances.get().stream().allMatch(each -> each.state().equals("serving"));
            if (all || System.nanoTime() > deadline) {
                return instances.get().size();
            }
            Thread.sleep(POLL_MILLIS);
        }
    }

    private Optional<String> firstRequest(String model) {
        try {
            var answer = node.ask(node.address().inference(), model);
            return answer.status() == 200
                    ? Optional.empty()
                    : Optional.of("the first request was answered status " + answer.status() + ": "
                            + ErrorText.oneLine(answer.text()));
        } catch (IOException e) {
            return Optional.of("the first request got no answer: " + e.getMessage());
        }
    }

    private static Outcome.Failed failed(String message, Optional<InstanceStatus.FailureStatus> told) {
        if (told.isPresent()) {
            return new Outcome.Failed(
                    told.get().name(), told.get().line(), told.get().lines());
        }
        var lines = message.lines().toList();
        var failure = FailureClassifier.classify(lines, new FailureClassifier.End.ExitAtStart(1));
        return new Outcome.Failed(failure.name(), failure.line(), lines);
    }

    /** What a deployment that served and then failed died of, as far as the node tells; {@code seen} if it does not. */
    public Outcome.Failed lost(String seen) throws IOException, InterruptedException {
        long deadline = System.nanoTime() + Duration.ofSeconds(3).toNanos();
        do {
            try {
                var dead = node.instances().orElse(List.of()).stream()
                        .flatMap(each -> each.failure().stream())
                        .findFirst();
                if (dead.isPresent()) {
                    return new Outcome.Failed(
                            dead.get().name(), dead.get().line(), dead.get().lines());
                }
            } catch (IOException e) {
                // MLNode comes back after ending itself; a node that does not is no fault of the config.
                awaitNode();
                return new Outcome.Failed("node-lost", "the node does not answer: " + e.getMessage(), List.of(seen));
            }
            // The node notices a dead engine a moment after its clients do.
            Thread.sleep(POLL_MILLIS);
        } while (System.nanoTime() < deadline);
        return new Outcome.Failed("requests-failed", seen, List.of(seen));
    }

    private void awaitNode() throws IOException, InterruptedException {
        long deadline = System.nanoTime() + patience.toNanos();
        while (true) {
            try {
                node.state();
                return;
            } catch (IOException e) {
                if (System.nanoTime() > deadline) {
                    throw new IOException(
                            "node " + node.address().management() + " cannot be reached: " + e.getMessage(), e);
                }
                Thread.sleep(POLL_MILLIS);
            }
        }
    }
}
