package bestfit.node;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Which backend takes the next request: of those in rotation the one with the fewest requests in flight, ties in turn. A
 * backend that just broke a request is taken only when no other is left, until its next good health check. Decides only,
 * moves no bytes. Thread-safe.
 *
 * @param <T> the caller's handle of a backend
 */
public final class Balancer<T> {
    /** A place in the rotation. A handle removed and added again is a new backend with no requests in flight. */
    public static final class Backend<T> {
        private final T handle;
        private boolean healthy;
        private boolean suspect;
        private int inFlight;

        private Backend(T handle) {
            this.handle = handle;
        }

        public T handle() {
            return handle;
        }
    }

    private final List<Backend<T>> backends = new ArrayList<>();
    private int turn;

    /** Adds a backend, out of rotation until {@link #healthy} is told. */
    public synchronized Backend<T> add(T handle) {
        var backend = new Backend<>(handle);
        backends.add(backend);
        return backend;
    }

    /** Takes a backend away for good; what is in flight there may still {@link #release}. */
    public synchronized void remove(Backend<T> backend) {
        backends.remove(backend);
    }

    /** What the last health check said. */
    public synchronized void healthy(Backend<T> backend, boolean healthy) {
        backend.healthy = healthy;
        backend.suspect = false;
    }

    /**
     * Takes a backend and counts a request on it; {@link #release} must follow exactly once.
     *
     * @param attempt 0 for a request's first try; empty once every backend could have been tried
     */
    public synchronized Optional<Backend<T>> take(int attempt) {
        if (attempt >= backends.size()) {
            return Optional.empty();
        }
        var chosen = least(false);
        if (chosen.isEmpty() && attempt == 0) {
            chosen = least(true);
        }
        chosen.ifPresent(backend -> {
            backend.inFlight++;
            turn = backends.indexOf(backend) + 1;
        });
        return chosen;
    }

    /** The request ended; {@code broken} if the backend refused it or cut it off. */
    public synchronized void release(Backend<T> backend, boolean broken) {
        backend.inFlight--;
        backend.suspect |= broken;
    }

    public synchronized int inFlight(Backend<T> backend) {
        return backend.inFlight;
    }

    /** True while at least one backend is in rotation. */
    public synchronized boolean anyHealthy() {
        return backends.stream().anyMatch(backend -> backend.healthy);
    }

    private Optional<Backend<T>> least(boolean suspect) {
        Backend<T> best = null;
        for (int i = 0; i < backends.size(); i++) {
            var backend = backends.get((turn + i) % backends.size());
            if (backend.healthy && backend.suspect == suspect && (best == null || backend.inFlight < best.inFlight)) {
                best = backend;
            }
        }
        return Optional.ofNullable(best);
    }
}
