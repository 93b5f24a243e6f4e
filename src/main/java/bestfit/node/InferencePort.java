package bestfit.node;

import bestfit.http.Handler;
import bestfit.http.HttpServer;
import bestfit.http.Relay;
import bestfit.http.RelayWarmUp;
import bestfit.http.Router;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** The balanced port: listens while a deployment is up, refuses connections otherwise, as MLNode's does. Thread-safe. */
final class InferencePort {
    private final String host;
    private final int port;
    private final HttpServer.Limits limits;
    private final Relay relay;
    private final Router router;
    private @Nullable HttpServer server;

    /** @param guarded the relay behind what it is guarded with */
    InferencePort(String host, int port, HttpServer.Limits limits, Handler guarded, Relay relay) {
        this.host = host;
        this.port = port;
        this.limits = limits;
        this.relay = relay;
        this.router = new Router().on("*", "/*", guarded);
    }

    /** Returns once the first request would be relayed as fast as any. */
    synchronized void open() throws IOException {
        RelayWarmUp.await();
        if (server == null) {
            server = HttpServer.start(host, port, limits, router);
        }
    }

    /** Cuts what is relayed, on the management port too; what comes next is still answered. */
    void cut() {
        relay.cut();
    }

    /** Cuts what is open. */
    synchronized void close() {
        if (server != null) {
            server.close();
            server = null;
        }
    }
}
