package bestfit.http;

import java.io.EOFException;
import java.io.IOException;
import java.util.concurrent.CancellationException;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;

/** A request of a {@link StreamClient} and the way of its answer to the listener. Confined to its pool's loop, but for cancel. */
final class StreamCall implements StreamClient.Call, StreamPool.Waiter {
    private final StreamPool pool;
    private final StreamClient.Route route;
    private final byte[] request;
    private final StreamClient.Listener listener;
    private @Nullable Runnable stopConnecting;
    private @Nullable StreamConnection connection;
    private boolean onKeptConnection;
    private boolean sent;
    private boolean ended;

    StreamCall(StreamPool pool, StreamClient.Route route, byte[] request, StreamClient.Listener listener) {
        this.pool = pool;
        this.route = route;
        this.request = request;
        this.listener = listener;
    }

    void start() {
        StreamConnection kept = ended ? null : pool.take(route.address());
        if (kept != null) {
            onKeptConnection = true;
            connection = kept;
            kept.send(this, request);
        } else if (!ended) {
            connect();
        }
    }

    private void connect() {
        stopConnecting = pool.connect(route, this);
    }

    @Override
    public void connected(StreamConnection fresh) {
        stopConnecting = null;
        if (ended) {
            fresh.shut();
        } else {
            connection = fresh;
            fresh.send(this, request);
        }
    }

    @Override
    public void failed(Throwable cause) {
        stopConnecting = null;
        fail(cause);
    }

    void sent(long nanos) {
        if (!sent && !ended) {
            sent = true;
            listener.onSent(nanos);
        }
    }

    StreamClient.Listener listener() {
        return listener;
    }

    void end(long nanos) {
        if (!ended) {
            ended = true;
            connection = null;
            listener.onEnd(nanos);
        }
    }

    /** The connection ended before the answer did. */
    void lost(StreamConnection from, @Nullable Throwable cause) {
        connection = null;
        if (onKeptConnection && !from.answering() && !ended) {
            onKeptConnection = false;
            connect();
        } else if (cause != null) {
            fail(cause);
        } else {
            fail(
                    from.answering()
                            ? new EOFException("the answer was cut off")
                            : new IOException("the connection ended without an answer"));
        }
    }

    void fail(@Nullable Throwable cause) {
        if (!ended) {
            ended = true;
            connection = null;
            listener.onFailure(cause == null ? new IOException("failed") : cause, System.nanoTime());
        }
    }

    @Override
    public void cancel() {
        try {
            pool.run(this::cut);
        } catch (RejectedExecutionException e) {
            // The client was closed, which ended the call.
        }
    }

    private void cut() {
        if (ended) {
            return;
        }
        if (connection != null) {
            connection.abandon();
        }
        if (stopConnecting != null) {
            stopConnecting.run();
        }
        fail(new CancellationException("cancelled"));
    }
}
