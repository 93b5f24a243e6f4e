package bestfit.node;

import bestfit.args.VllmArgs;
import bestfit.failure.Failure;
import bestfit.mlnode.InstanceStatus;
import bestfit.mlnode.UpRequest;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import tools.jackson.databind.node.ObjectNode;

/** All instances of one up request. Thread-safe. */
final class Deployment {
    /** What ended just now may hold its port for some 0.1 s more; three trials of four GPUs were lost to that. */
    private static final Duration PORT_PATIENCE = Duration.ofSeconds(2);

    private final UpRequest request;
    private final List<Instance> instances;
    private final Instant since = Instant.now();
    private volatile boolean cancelled;

    /** {@code instances} are not started yet. */
    Deployment(UpRequest request, List<Instance> instances) {
        this.request = request;
        this.instances = List.copyOf(instances);
    }

    /** The failure that a look at request, devices and ports foretells; launching would take minutes to find it. */
    static Optional<Failure> foreseen(UpRequest request, int devices, int inferencePort) {
        var args = new VllmArgs(request.additionalArgs());
        int each = args.devicesPerInstance();
        if (each > devices) {
            return Optional.of(new Failure.DeviceCount(List.of("an instance needs " + each + " devices (TP "
                    + args.tensorParallel() + " × PP " + args.pipelineParallel()
                    + (args.prefillContextParallel() > 1 ? " × PCP " + args.prefillContextParallel() : "")
                    + (args.dataParallel() > 1 ? " × DP " + args.dataParallel() : "") + "), this node has "
                    + devices)));
        }
        for (int i = 1; i <= devices / each; i++) {
            int port = inferencePort + i;
            if (!EngineProcess.await(() -> Ports.free(port), PORT_PATIENCE)) {
                return Optional.of(new Failure.PortInUse(List.of("port " + port + " for instance " + (i - 1)
                        + " is taken by another program; end it or give the node another --inference-port")));
            }
        }
        return Optional.empty();
    }

    /**
     * Starts all instances and waits until each has answered a request. On failure the others are left to {@link #stop}.
     *
     * @throws EngineFailed with the first instance's failure
     */
    void start() throws EngineFailed {
        instances.forEach(Instance::start);
        var firstFailure = new CompletableFuture<Failure>();
        var all = CompletableFuture.allOf(instances.stream()
                .map(instance -> instance.started().thenAccept(failure -> failure.ifPresent(firstFailure::complete)))
                .toArray(CompletableFuture[]::new));
        CompletableFuture.anyOf(firstFailure, all).join();
        if (firstFailure.isDone()) {
            throw new EngineFailed(firstFailure.join());
        }
    }

    /** Ends every instance at the same time; returns when no process is left. A start under way returns at once. */
    void stop() {
        cancelled = true;
        CompletableFuture.allOf(instances.stream()
                        .map(instance -> CompletableFuture.runAsync(instance::stop, Thread::startVirtualThread))
                        .toArray(CompletableFuture[]::new))
                .join();
    }

    /** Takes no new requests and waits for those under way, at most {@code patience}. */
    void drain(Duration patience) {
        instances.forEach(Instance::leaveRotation);
        EngineProcess.await(
                () -> instances.stream().allMatch(instance -> instance.status().inFlight() == 0), patience);
    }

    boolean cancelled() {
        return cancelled;
    }

    UpRequest request() {
        return request;
    }

    /** True until every instance has failed for good. */
    boolean alive() {
        return !instances.stream().allMatch(instance -> instance.inState(Instance.State.FAILED));
    }

    boolean healthy() {
        return instances.stream().allMatch(instance -> instance.inState(Instance.State.SERVING));
    }

    /** Done when every instance's life is over. */
    CompletableFuture<Void> over() {
        return CompletableFuture.allOf(instances.stream().map(Instance::over).toArray(CompletableFuture[]::new));
    }

    List<InstanceStatus> status() {
        return instances.stream().map(Instance::status).toList();
    }

    Optional<Instance> instance(int index) {
        return instances.stream().filter(each -> each.index() == index).findFirst();
    }

    /** What each instance's own metrics say. */
    List<Optional<String>> metrics() {
        return instances.stream().map(Instance::metrics).toList();
    }

    ObjectNode toJson() {
        var json = request.toJson().put("since", since.toString());
        var started = json.putArray("instances");
        instances.forEach(instance -> started.add(instance.launched()));
        return json;
    }
}
