package bestfit.deploy;

import bestfit.args.DeploymentConfig;
import bestfit.failure.Failure;
import bestfit.failure.FailureClassifier;
import bestfit.mlnode.InstanceStatus;
import java.io.IOException;
import java.net.ConnectException;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.Executors;

/**
 * Puts a config on a node and makes sure that it serves: every instance answers a first request. Not thread-safe; one
 * deployment at a time.
 */
public final class Deployer {
    /** After a failed start MLNode may answer nothing for 35 s, then ends, and its container starts it again. */
    public static final Duration NODE_PATIENCE = Duration.ofSeconds(150);

    private static final Duration SERVING_PATIENCE = Duration.ofSeconds(30);

    /** MLNode of 2025 ends about 6 s after a failed start, whatever it is told. */
    private static final Duration END_OF_OLD_NODE = Duration.ofSeconds(10);

    private static final long POLL_MILLIS = 200;
    private static final int FIRST_TOKENS = 4;

    /** Long enough to be in flight while the next engine is asked for. */
    private static final int HELD_TOKENS = 128;

    private static final long HOLD_MILLIS = 50;

    private final NodeClient node;
    private final Duration patience;
    private final Optional<NodeLogs> logs;

    /** @param patience with a node that does not answer: {@link #NODE_PATIENCE}, unless it cannot come back */
    public Deployer(NodeClient node, Duration patience) {
        this(node, patience, Optional.empty());
    }

    /** @param logs where the node's log can be read, if it can */
    public Deployer(NodeClient node, Duration patience, Optional<NodeLogs> logs) {
        this.node = node;
        this.patience = patience;
        this.logs = logs;
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
        stop();
        if (logs.isPresent()) {
            logs.get().mark();
        }
        var started = start(config);
        return switch (started) {
            case NodeClient.Start.Up() -> verify(config, start);
            case NodeClient.Start.Busy(var message) -> new Outcome.Failed("busy", message, List.of(message));
            case NodeClient.Start.Failed(var message, var failure) -> failed(message, failure);
        };
    }

    /** A node that freezes or restarts just now gets a second chance. */
    private void stop() throws IOException, InterruptedException {
        try {
            node.stop();
        } catch (IOException e) {
            awaitNode();
            node.stop();
        }
    }

    private NodeClient.Start start(DeploymentConfig config) throws IOException, InterruptedException {
        try {
            var started = node.up(config);
            if (started instanceof NodeClient.Start.Busy) { // what somebody else started, or what our stop did not see
                node.down();
                started = node.up(config);
            }
            return started;
        } catch (IOException e) {
            awaitNode();
            return followed("the node broke off the start: " + e.getMessage());
        }
    }

    /** A start whose answer was lost, in a proxy's time-out perhaps: asked for until it ends. */
    private NodeClient.Start followed(String lost) throws IOException, InterruptedException {
        while (true) {
            var status = node.upStatus();
            var word = status.map(json -> json.path("status").asString("")).orElse("");
            if (word.equals("completed") || (status.isEmpty() && node.state().serving())) {
                return new NodeClient.Start.Up();
            }
            if (!word.equals("in_progress")) {
                var error = status.map(json -> json.path("error").asString("")).orElse("");
                return new NodeClient.Start.Failed(
                        error.isEmpty() ? lost : error,
                        status.flatMap(json -> InstanceStatus.FailureStatus.read(json.path("failure"))));
            }
            Thread.sleep(POLL_MILLIS);
        }
    }

    private Outcome verify(DeploymentConfig config, long start) throws IOException, InterruptedException {
        var state = node.state();
        if (!state.serving()) {
            return lost("the node's state is " + state.state() + " after a start it called OK");
        }
        var told = awaitServing();
        for (int i = 0; i < Math.max(1, told.orElse(1)); i++) {
            var refusal = firstRequest(config.servedModel());
            if (refusal.isPresent()) {
                return lost(refusal.get());
            }
        }
        int instances = told.isPresent() ? told.getAsInt() : reached(config);
        return new Outcome.Serving(instances, (System.nanoTime() - start) / 1e9);
    }

    /** Our node tells of its instances. */
    private OptionalInt awaitServing() throws IOException, InterruptedException {
        long deadline = System.nanoTime() + SERVING_PATIENCE.toNanos();
        while (true) {
            var instances = node.instances();
            if (instances.isEmpty()) {
                return OptionalInt.empty();
            }
            boolean all = instances.get().stream().allMatch(each -> each.state().equals("serving"));
            if (all || System.nanoTime() > deadline) {
                return OptionalInt.of(instances.get().size());
            }
            Thread.sleep(POLL_MILLIS);
        }
    }

    /** MLNode calls a start done when its first instance serves: waits until all do; 0 where that cannot be told. */
    private int reached(DeploymentConfig config) throws IOException, InterruptedException {
        int expected = node.gpus().size() / config.args().devicesPerInstance();
        if (expected < 2) {
            return 0;
        }
        long deadline = System.nanoTime() + patience.toNanos();
        while (true) {
            int seen = differentEngines(config.servedModel(), expected);
            if (seen == 0 || seen == expected || System.nanoTime() > deadline) {
                return seen;
            }
            Thread.sleep(POLL_MILLIS);
        }
    }

    /**
     * Engines behind the balanced port: it gives each request to the one with the least in flight, so with a request held
     * on every engine seen so far the next is another.
     */
    private int differentEngines(String model, int expected) throws InterruptedException {
        var seen = new HashSet<String>();
        try (var held = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < expected; i++) {
                var engine = node.nextEngine();
                if (engine.isEmpty()) {
                    return 0;
                }
                seen.add(engine.get());
                held.execute(() -> hold(model));
                Thread.sleep(HOLD_MILLIS);
            }
        }
        return seen.size();
    }

    private void hold(String model) {
        try {
            node.ask(model, HELD_TOKENS);
        } catch (IOException broken) {
            // Then one engine fewer is seen, and asked for again.
        }
    }

    /** MLNode opens its inference port some seconds after it called a start OK, so refusals are asked again. */
    private Optional<String> firstRequest(String model) throws IOException, InterruptedException {
        long deadline = System.nanoTime() + SERVING_PATIENCE.toNanos();
        while (true) {
            Optional<String> refusal;
            boolean notYet;
            boolean closed = false;
            try {
                var answer = node.ask(model, FIRST_TOKENS);
                notYet = answer.status() == 502 || answer.status() == 503;
                refusal = answer.status() == 200
                        ? Optional.empty()
                        : Optional.of(
                                "the first request was answered status " + answer.status() + ": " + answer.text());
            } catch (IOException e) {
                closed = e instanceof ConnectException;
                notYet = closed;
                refusal = Optional.of("the first request got no answer: " + e.getMessage());
            }
            boolean over =
                    !notYet || System.nanoTime() > deadline || !node.instances().isEmpty();
            if (over && closed) { // no config is to blame, and the next would fare no better
                throw new IOException(
                        "the node says that it serves, and " + node.address().inference()
                                + " takes no connection; is that its inference port? --inference gives another");
            }
            if (over) {
                return refusal;
            }
            Thread.sleep(POLL_MILLIS);
        }
    }

    private Outcome.Failed failed(String message, Optional<InstanceStatus.FailureStatus> told)
            throws IOException, InterruptedException {
        if (told.isPresent()) {
            return new Outcome.Failed(
                    told.get().name(), told.get().line(), told.get().lines());
        }
        var lines = logged();
        var failure = lines.isEmpty()
                ? FailureClassifier.ofMessage(message)
                : FailureClassifier.classify(lines, new FailureClassifier.End.ExitAtStart(1));
        settle();
        return outcome(failure);
    }

    /** Lines of the node's log since the deployment began; none without a log, or without a line. */
    private List<String> logged() throws IOException {
        return logs.isPresent() ? logs.get().lines() : List.of();
    }

    private static Outcome.Failed outcome(Failure failure) {
        return new Outcome.Failed(failure.name(), failure.line(), failure.evidence());
    }

    /** After a failed start MLNode ends itself, unless it is told at once to stop; waits until it is back. */
    private void settle() throws IOException, InterruptedException {
        long deadline = System.nanoTime() + END_OF_OLD_NODE.toNanos();
        try {
            node.down();
            if (node.upStatus().isPresent()) {
                return;
            }
            while (System.nanoTime() < deadline) {
                node.state();
                Thread.sleep(POLL_MILLIS);
            }
        } catch (IOException gone) {
            awaitNode();
        }
    }

    /** What a deployment that served and then failed died of, as far as the node tells; {@code seen} if it does not. */
    public Outcome.Failed lost(String seen) throws IOException, InterruptedException {
        long deadline = System.nanoTime() + Duration.ofSeconds(3).toNanos();
        do {
            try {
                var instances = node.instances();
                if (instances.isEmpty()) {
                    return untold(seen);
                }
                var dead = instances.get().stream()
                        .flatMap(each -> each.failure().stream())
                        .findFirst();
                if (dead.isPresent()) {
                    return new Outcome.Failed(
                            dead.get().name(), dead.get().line(), dead.get().lines());
                }
            } catch (IOException e) {
                // MLNode comes back after ending itself; a node that does not is no fault of the config.
                awaitNode();
                if (logs.isPresent()) {
                    return untold(seen);
                }
                return new Outcome.Failed("node-lost", "the node does not answer: " + e.getMessage(), List.of(seen));
            }
            // The node notices a dead engine a moment after its clients do.
            Thread.sleep(POLL_MILLIS);
        } while (System.nanoTime() < deadline);
        return new Outcome.Failed("requests-failed", seen, List.of(seen));
    }

    /** By the log if there is one; a node that tells nothing of its engines leaves nothing else. */
    private Outcome.Failed untold(String seen) throws IOException, InterruptedException {
        var lines = logged();
        var failure = lines.isEmpty()
                ? new Failure.Unknown(List.of(seen))
                : FailureClassifier.classify(lines, new FailureClassifier.End.ExitWhileServing(1));
        settle();
        return outcome(failure);
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
