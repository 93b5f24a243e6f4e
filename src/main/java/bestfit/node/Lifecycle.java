package bestfit.node;

import bestfit.args.VllmArgs;
import bestfit.config.Json;
import bestfit.failure.Failure;
import bestfit.http.HttpClient;
import bestfit.http.Relay;
import bestfit.mlnode.InstanceStatus;
import bestfit.mlnode.NodeState;
import bestfit.mlnode.UpRequest;
import bestfit.mlnode.UpStatus;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/** What the node runs now, and the changes from one deployment to the next, one at a time. Thread-safe. */
final class Lifecycle implements Engines {
    private enum Phase {
        IDLE,
        STARTING,
        RUNNING,
        STOPPING
    }

    private static final String ALREADY_RUNNING = "VLLM is already running. Use /inference/down to stop it first.";
    private static final String SHUTTING_DOWN = "Service is shutting down";

    private final NodeOptions options;
    private final int inferencePort;
    private final InferencePort port;
    private final Balancer<Relay.Upstream> balancer;
    private final NodeRecord record;
    private final NodeEvents events;
    private final EngineCommandLine commandLine;
    private final HttpClient http = new HttpClient();

    private Phase phase = Phase.IDLE;
    private boolean closing;
    private boolean cancelAsked;
    private @Nullable Deployment deployment;

    /** The last one that was launched, kept for its logs when it runs no more. */
    private @Nullable Deployment recent;

    private UpStatus lastStart = UpStatus.NOT_STARTED;
    private long startedNanos;
    private volatile Duration slowestStart = Duration.ZERO;

    Lifecycle(
            NodeOptions options,
            int inferencePort,
            InferencePort port,
            Balancer<Relay.Upstream> balancer,
            NodeRecord record,
            NodeEvents events,
            String nodeId) {
        this.options = options;
        this.inferencePort = inferencePort;
        this.port = port;
        this.balancer = balancer;
        this.record = record;
        this.events = events;
        this.commandLine = new EngineCommandLine(options.engine(), options.environment(), nodeId);
    }

    @Override
    public void open() {
        // Nothing runs before the first up.
    }

    @Override
    public UpResult up(UpRequest request) {
        var refused = begin();
        return refused.isPresent() ? refused.get() : replace(request);
    }

    @Override
    public Optional<UpResult> upAsync(UpRequest request) {
        var refused = begin();
        if (refused.isEmpty()) {
            Thread.startVirtualThread(() -> replace(request));
        }
        return refused;
    }

    /** Takes the right to start, or says why not. */
    private synchronized Optional<UpResult> begin() {
        awaitEndOf(Phase.STOPPING);
        if (closing) {
            return Optional.of(new UpResult.Refused(SHUTTING_DOWN));
        }
        // MLNode has a text of its own for a start under way, but its builds answer with this one.
        if (phase == Phase.STARTING || (phase == Phase.RUNNING && serving() && !options.replaceRunning())) {
            return Optional.of(new UpResult.Refused(ALREADY_RUNNING));
        }
        phase = Phase.STARTING;
        cancelAsked = false;
        startedNanos = System.nanoTime();
        lastStart = UpStatus.IN_PROGRESS;
        events.tell("start", lastStart.toJson());
        return Optional.empty();
    }

    private UpResult replace(UpRequest request) {
        UpResult result;
        try {
            result = start(request);
        } catch (RuntimeException defect) {
            result = new UpResult.Failed(new Failure.CannotLaunch(List.of(defect.toString())));
        }
        finish(result);
        return result;
    }

    private UpResult start(UpRequest request) {
        var old = deployed();
        if (old.isPresent()) {
            NodeLog.info("VLLM is already running, stopping first");
            old.get().drain(options.drain());
            end(old.get());
        }
        var foreseen = Deployment.foreseen(request, options.devices().count(), inferencePort);
        if (foreseen.isPresent()) {
            return new UpResult.Failed(foreseen.get());
        }
        var next = new Deployment(request, instances(request));
        synchronized (this) {
            if (cancelAsked || closing) {
                return new UpResult.Cancelled();
            }
            deployment = next;
            recent = next;
        }
        try {
            long beginNanos = System.nanoTime();
            next.start();
            if (!next.cancelled()) {
                learnStart(Duration.ofNanos(System.nanoTime() - beginNanos));
                port.open();
                Thread.startVirtualThread(() -> closeWhenAllGaveUp(next));
                NodeLog.info("vLLM is up and running with " + next.status().size() + " instance(s).");
                return new UpResult.Up();
            }
        } catch (EngineFailed failed) {
            if (!next.cancelled()) {
                var reached = next.status();
                end(next);
                return new UpResult.Failed(failed.failure(), reached);
            }
        } catch (IOException taken) {
            end(next);
            return new UpResult.Failed(new Failure.PortInUse(List.of(String.valueOf(taken.getMessage()))));
        }
        end(next);
        return new UpResult.Cancelled();
    }

    private void learnStart(Duration took) {
        slowestStart = took.compareTo(slowestStart) > 0 ? took : slowestStart;
    }

    private synchronized void finish(UpResult result) {
        boolean up = result instanceof UpResult.Up;
        lastStart = switch (result) {
            case UpResult.Up _ -> UpStatus.COMPLETED;
            case UpResult.Failed(var failure, var _) -> {
                NodeLog.warn("deployment failed: " + failure.name() + ": " + failure.line());
                yield UpStatus.failed(EngineFailed.status(failure));
            }
            default -> UpStatus.NOT_STARTED;
        };
        phase = up ? Phase.RUNNING : Phase.IDLE;
        notifyAll();
        events.tell("start", lastStart.toJson());
    }

    private List<Instance> instances(UpRequest request) {
        var args = new VllmArgs(request.additionalArgs());
        var ranges = options.devices().ranges(args);
        NodeLog.info("gpus per instance: " + args.devicesPerInstance() + " (tp_size: " + args.tensorParallel()
                + ", pp_size: " + args.pipelineParallel() + ")");
        NodeLog.info("total available gpus: " + options.devices().count());
        NodeLog.info("instances to start: " + ranges.size());
        var instances = new ArrayList<Instance>();
        for (int i = 0; i < ranges.size(); i++) {
            int enginePort = inferencePort + 1 + i;
            NodeLog.info("Starting vLLM instance " + i + " on port " + enginePort + " with GPUs " + ranges.get(i));
            var setup = new Instance.Setup(
                    "instance " + i,
                    i,
                    enginePort,
                    ranges.get(i),
                    commandLine.launch(request, enginePort, ranges.get(i)),
                    EngineClient.of(http, enginePort, request),
                    options.startLimit().after(slowestStart),
                    options.hangGrace());
            var file = NodeServer.logs(options.home())
                    .resolve("node-" + ProcessHandle.current().pid() + "-engine-" + i + ".log");
            instances.add(new Instance(setup, new InstanceLog("instance " + i, file), record, balancer, events));
        }
        return instances;
    }

    @Override
    public Optional<String> down() {
        Deployment running;
        synchronized (this) {
            if (phase == Phase.STARTING) {
                cancelAsked = true;
                var starting = deployment;
                if (starting != null) {
                    Thread.startVirtualThread(starting::stop);
                }
                awaitEndOf(Phase.STARTING);
            }
            awaitEndOf(Phase.STOPPING);
            if (phase == Phase.IDLE) {
                lastStart = UpStatus.NOT_STARTED;
                return Optional.empty();
            }
            phase = Phase.STOPPING;
            lastStart = UpStatus.NOT_STARTED;
            running = deployment;
        }
        try {
            if (running != null) {
                // Cuts streams now, however long the engines take to end.
                port.close();
                end(running);
            }
        } finally {
            synchronized (this) {
                phase = Phase.IDLE;
                notifyAll();
            }
            events.tell("stopped", Json.object());
        }
        return Optional.empty();
    }

    @Override
    public void shutDown() {
        synchronized (this) {
            closing = true;
        }
        down();
    }

    private void end(Deployment ending) {
        NodeLog.info("Stopping vLLM processes...");
        port.cut(); // before an engine ends its streams so politely that half an answer looks whole
        ending.stop();
        port.close();
        synchronized (this) {
            if (deployment == ending) {
                deployment = null;
            }
        }
        NodeLog.info("vLLM processes stopped.");
    }

    /** Waits until a deployment ends by itself, if it does. */
    private void closeWhenAllGaveUp(Deployment gone) {
        gone.over().join();
        synchronized (this) {
            if (deployment != gone || phase != Phase.RUNNING) {
                return;
            }
        }
        NodeLog.warn("no instance is left; the inference port closes until the next deployment");
        port.close();
    }

    /** As MLNode, a start counts as inference from its first moment on; only then is the model told. */
    @Override
    public synchronized NodeState state() {
        if (phase == Phase.STARTING) {
            return NodeState.starting(options.version());
        }
        var now = deployment;
        if (now == null || !serving()) {
            return new NodeState(NodeState.STOPPED, options.version(), now == null ? null : false, null);
        }
        return new NodeState(
                NodeState.INFERENCE,
                options.version(),
                now.healthy(),
                now.request().model());
    }

    @Override
    public synchronized UpStatus upStatus() {
        return lastStart.at(serving(), Duration.ofNanos(System.nanoTime() - startedNanos));
    }

    @Override
    public synchronized boolean healthy() {
        return phase != Phase.RUNNING || (serving() && balancer.anyHealthy());
    }

    /** True from the moment all instances of the deployment have answered until the last is given up or it is stopped. */
    synchronized boolean serving() {
        return phase == Phase.RUNNING && deployment != null && deployment.alive();
    }

    private synchronized Optional<Deployment> deployed() {
        return Optional.ofNullable(deployment);
    }

    @Override
    public List<InstanceStatus> instances() {
        return deployed().map(Deployment::status).orElse(List.of());
    }

    @Override
    public Optional<ObjectNode> current() {
        return deployed().map(Deployment::toJson);
    }

    @Override
    public Optional<InstanceLog> log(int instance) {
        Deployment last;
        synchronized (this) {
            last = recent;
        }
        return Optional.ofNullable(last)
                .flatMap(each -> each.instance(instance))
                .map(Instance::log);
    }

    @Override
    public List<Optional<String>> metrics() {
        return deployed().map(Deployment::metrics).orElse(List.of());
    }

    private synchronized void awaitEndOf(Phase busy) {
        try {
            while (phase == busy) {
                wait();
            }
        } catch (InterruptedException nobodyDoesThat) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while a deployment changes", nobodyDoesThat);
        }
    }
}
