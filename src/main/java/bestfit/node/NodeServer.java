package bestfit.node;

import bestfit.config.ConfigException;
import bestfit.config.Json;
import bestfit.http.HttpServer;
import bestfit.http.Relay;
import bestfit.http.RelayWarmUp;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.random.RandomGenerator;
import tools.jackson.databind.node.ObjectNode;

/** The node: the management API on one port, the balanced engines on another. Thread-safe. */
public final class NodeServer implements AutoCloseable {
    private static final int MOST_LOG_FILES = 60;

    private final NodeOptions options;
    private final int inferencePort;
    private final HttpServer management;
    private final Engines engines;
    private final NodeRecord record;
    private final CountDownLatch closed = new CountDownLatch(1);

    private NodeServer(
            NodeOptions options, int inferencePort, HttpServer management, Engines engines, NodeRecord record) {
        this.options = options;
        this.inferencePort = inferencePort;
        this.management = management;
        this.engines = engines;
        this.record = record;
    }

    /**
     * Ends what killed nodes left, then serves.
     *
     * @throws ConfigException naming a port that is taken, an address that is not here, or a home that cannot be written
     * @throws IOException if what a killed node left cannot be read
     */
    public static NodeServer start(NodeOptions options) throws IOException {
        var records = options.home().resolve("nodes");
        NodeRecord.endLeftovers(records);
        InstanceLog.prune(logs(options.home()), MOST_LOG_FILES);
        int inferencePort = options.inferencePort() > 0
                ? options.inferencePort()
                : Ports.freeRange(options.devices().count(), RandomGenerator.getDefault());
        requireFree(inferencePort, "--inference-port");
        if (options.managementPort() > 0) {
            requireFree(options.managementPort(), "--port");
        }
        var nodeId = UUID.randomUUID().toString();
        var security = options.security();
        var inferenceToken = BearerToken.read("--inference-token-file", security.inferenceToken());
        var managementToken = BearerToken.read("--management-token-file", security.managementToken());
        var rules = ArgRules.read(security.allowedArgs());
        var record = openRecord(records, nodeId);
        var balancer = new Balancer<Relay.Upstream>();
        var relay = relay(balancer);
        var guarded = BearerToken.guard(inferenceToken, relay);
        var port = new InferencePort(options.host(), inferencePort, options.limits(), guarded, relay);
        var events = new NodeEvents();
        warmUp();
        Engines engines = options.attached().isEmpty()
                ? new Lifecycle(options, inferencePort, port, balancer, record, events, nodeId)
                : new AttachedEngines(options.attached(), port, balancer, options.version());
        engines.open();
        var router = new ManagementApi(options, engines, events, rules, guarded).router(managementToken);
        try {
            var management = HttpServer.start(options.host(), options.managementPort(), options.limits(), router);
            return new NodeServer(options, inferencePort, management, engines, record);
        } catch (IOException refused) {
            engines.shutDown();
            record.close();
            throw new ConfigException("--host " + options.host() + " --port " + options.managementPort() + ": "
                    + refused.getMessage() + "; give an address of this machine, such as 127.0.0.1, and a free port");
        }
    }

    /** Has the relay's code loaded and compiled while engines start, balancer included. Returns at once. */
    public static void warmUp() {
        RelayWarmUp.begin(upstream -> {
            var balancer = new Balancer<Relay.Upstream>();
            balancer.healthy(balancer.add(upstream), true);
            return relay(balancer);
        });
    }

    private static NodeRecord openRecord(Path records, String nodeId) {
        try {
            return NodeRecord.open(records, nodeId);
        } catch (IOException refused) {
            throw new ConfigException("BESTFIT_HOME: " + records + " cannot be written (" + refused.getMessage()
                    + "); set BESTFIT_HOME to a folder that can be");
        }
    }

    private static void requireFree(int port, String flag) {
        if (!Ports.free(port)) {
            throw new ConfigException(flag + ": port " + port
                    + " is in use by another program; end it, give another port, " + "or 0 for a free one");
        }
    }

    /** MLNode's answers when no engine could take a request: plain bytes without a content type. */
    private static Relay relay(Balancer<Relay.Upstream> balancer) {
        return Relay.to(
                new BalancedPicker(balancer),
                exchange -> exchange.respond(503, Map.of(), ascii("No vLLM backend available")),
                exchange -> exchange.respond(502, Map.of(), ascii("vLLM connection failed")));
    }

    private static byte[] ascii(String text) {
        return text.getBytes(java.nio.charset.StandardCharsets.US_ASCII);
    }

    /** The line by which a script finds the node. */
    public ObjectNode announcement() {
        return Json.object()
                .put("management", management.url())
                .put("inference", "http://" + options.host() + ":" + inferencePort)
                .put("pid", ProcessHandle.current().pid());
    }

    /** Folder of the engines' logs. */
    static Path logs(Path home) {
        return home.resolve("logs");
    }

    /** Until {@link #close} is done. */
    public void awaitClosed() throws InterruptedException {
        closed.await();
    }

    /** Ends the engines first, then stops listening. */
    @Override
    public void close() {
        engines.shutDown();
        management.close();
        try {
            record.close();
        } catch (IOException left) {
            NodeLog.warn("the node's record stays: " + left.getMessage() + "; the next node clears it");
        }
        closed.countDown();
    }
}
