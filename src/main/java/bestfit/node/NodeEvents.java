package bestfit.node;

import bestfit.config.Json;
import bestfit.http.Exchange;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import tools.jackson.databind.node.ObjectNode;

/** What happens to deployments and instances, told to everyone who listens, as server-sent events. Thread-safe. */
final class NodeEvents {
    /** A listener that is so many events behind loses the newest, not the node its memory. */
    private static final int MOST_WAITING = 1_000;

    private static final long KEEP_ALIVE_SECONDS = 10;
    private final Set<BlockingQueue<String>> listeners = ConcurrentHashMap.newKeySet();

    /** Tells an event with its fields; the time is added. */
    void tell(String name, ObjectNode fields) {
        if (!listeners.isEmpty()) {
            var data = Json.object().put("at", Instant.now().toString());
            data.setAll(fields);
            var text = "event: " + name + "\ndata: " + Json.write(data) + "\n\n";
            listeners.forEach(listener -> listener.offer(text));
        }
    }

    /** Streams events from now on until the client leaves. Blocks. */
    void stream(Exchange exchange) throws InterruptedException {
        var queue = new ArrayBlockingQueue<String>(MOST_WAITING);
        var left = new AtomicBoolean();
        listeners.add(queue);
        try {
            exchange.onClientGone(() -> left.set(true));
            var body = exchange.stream(200, Map.of("Content-Type", "text/event-stream", "Cache-Control", "no-cache"));
            boolean taken = body.write(bytes(": listening\n\n"));
            while (taken && !left.get()) {
                var text = queue.poll(KEEP_ALIVE_SECONDS, TimeUnit.SECONDS);
                taken = body.write(bytes(text == null ? ": still here\n\n" : text));
            }
        } finally {
            listeners.remove(queue);
        }
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
