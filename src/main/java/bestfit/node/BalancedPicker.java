package bestfit.node;

import bestfit.http.Relay;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Hands the balancer's choices to the relay. Thread-safe; never blocks for longer than a map access. */
final class BalancedPicker implements Relay.Picker {
    private final Balancer<Relay.Upstream> balancer;

    /**
     * Requests under way by address. An address can belong to two backends in turn when a deployment replaces another, so
     * each pick is kept; they end in any order, which moves a count between an old and a new backend for a moment at most.
     */
    private final Map<Relay.Upstream, Deque<Balancer.Backend<Relay.Upstream>>> taken = new HashMap<>();

    BalancedPicker(Balancer<Relay.Upstream> balancer) {
        this.balancer = balancer;
    }

    @Override
    public Relay.@Nullable Upstream pick(int attempt) {
        var backend = balancer.take(attempt).orElse(null);
        if (backend == null) {
            return null;
        }
        synchronized (taken) {
            taken.computeIfAbsent(backend.handle(), any -> new ArrayDeque<>()).addLast(backend);
        }
        return backend.handle();
    }

    @Override
    public void done(Relay.Upstream upstream, boolean failed) {
        Balancer.Backend<Relay.Upstream> backend;
        synchronized (taken) {
            var queue = taken.get(upstream);
            backend = queue == null ? null : queue.pollFirst();
            if (queue != null && queue.isEmpty()) {
                taken.remove(upstream);
            }
        }
        if (backend != null) {
            balancer.release(backend, failed);
        }
    }
}
