package bestfit.node;

import bestfit.config.Json;
import bestfit.http.HttpClient;
import bestfit.http.Relay;
import bestfit.mlnode.InstanceStatus;
import bestfit.mlnode.NodeState;
import bestfit.mlnode.UpRequest;
import bestfit.mlnode.UpStatus;
import java.io.IOException;
import java.net.URI;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import tools.jackson.databind.node.ObjectNode;

/** Engines that someone else started: balanced and watched, never started or stopped. Thread-safe. */
final class AttachedEngines implements Engines {
    private static final String NOT_OURS =
            "This node is attached to engines it did not start; it neither starts nor stops any.";
    private static final long WATCH_MILLIS = 1_000;

    private static final class Attached {
        private final Relay.Upstream address;
        private final EngineClient client;
        private final Balancer.Backend<Relay.Upstream> backend;
        private volatile boolean healthy;
        private volatile Instant since = Instant.now();

        Attached(HttpClient http, Balancer<Relay.Upstream> balancer, URI url) {
            this.address = new Relay.Upstream(url.getHost(), url.getPort() < 0 ? 80 : url.getPort());
            this.client = new EngineClient(http, address.host(), address.port(), "");
            this.backend = balancer.add(address);
        }
    }

    private final List<Attached> engines = new ArrayList<>();
    private final Balancer<Relay.Upstream> balancer;
    private final InferencePort port;
    private final String version;
    private final Instant since = Instant.now();
    private final CountDownLatch closing = new CountDownLatch(1);

    AttachedEngines(List<URI> urls, InferencePort port, Balancer<Relay.Upstream> balancer, String version) {
        this.balancer = balancer;
        this.port = port;
        this.version = version;
        var http = new HttpClient();
        urls.forEach(url -> engines.add(new Attached(http, balancer, url)));
    }

    @Override
    public void open() throws IOException {
        engines.forEach(this::look);
        port.open();
        engines.forEach(
                engine -> Thread.ofVirtual().name("watch " + engine.address).start(() -> watch(engine)));
    }

    private void watch(Attached engine) {
        try {
            while (!closing.await(WATCH_MILLIS, TimeUnit.MILLISECONDS)) {
                look(engine);
            }
        } catch (InterruptedException nobodyDoesThat) {
            Thread.currentThread().interrupt();
        }
    }

    private void look(Attached engine) {
        boolean now = engine.client.health() == EngineClient.Health.GOOD;
        balancer.healthy(engine.backend, now);
        if (now != engine.healthy) {
            engine.healthy = now;
            engine.since = Instant.now();
            NodeLog.info(engine.address.host() + ":" + engine.address.port() + " is " + (now ? "UP" : "DOWN"));
        }
    }

    @Override
    public UpResult up(UpRequest request) {
        return new UpResult.Refused(NOT_OURS);
    }

    @Override
    public Optional<UpResult> upAsync(UpRequest request) {
        return Optional.of(up(request));
    }

    @Override
    public Optional<String> down() {
        return Optional.of(NOT_OURS);
    }

    @Override
    public void shutDown() {
        closing.countDown();
        port.close();
    }

    @Override
    public NodeState state() {
        boolean healthy = healthy();
        return new NodeState(healthy ? NodeState.INFERENCE : NodeState.STOPPED, version, healthy, null);
    }

    @Override
    public UpStatus upStatus() {
        return UpStatus.NOT_STARTED;
    }

    @Override
    public boolean healthy() {
        return balancer.anyHealthy();
    }

    @Override
    public List<InstanceStatus> instances() {
        var all = new ArrayList<InstanceStatus>();
        for (var engine : engines) {
            all.add(new InstanceStatus(
                    all.size(),
                    0,
                    engine.address.port(),
                    List.of(),
                    engine.healthy ? "serving" : "unhealthy",
                    engine.since.toString(),
                    0,
                    balancer.inFlight(engine.backend),
                    null,
                    Optional.empty()));
        }
        return all;
    }

    @Override
    public Optional<ObjectNode> current() {
        var body = Json.object().put("since", since.toString());
        var urls = body.putArray("attached");
        engines.forEach(engine -> urls.add("http://" + engine.address.host() + ":" + engine.address.port()));
        return Optional.of(body);
    }

    @Override
    public Optional<InstanceLog> log(int instance) {
        return Optional.empty();
    }

    @Override
    public List<Optional<String>> metrics() {
        return engines.stream().map(engine -> engine.client.metrics()).toList();
    }
}
