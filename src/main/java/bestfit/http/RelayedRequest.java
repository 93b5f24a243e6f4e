package bestfit.http;

import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** One exchange and the upstreams tried for it. Confined to the client's event loop. */
final class RelayedRequest implements ClientWatcher {
    private final ServerExchange exchange;
    private final Relay.Picker picker;
    private final Consumer<Exchange> whenNone;
    private final Consumer<Exchange> whenFailed;

    /** Holds this while an upstream is tried or answers. */
    private final Set<RelayedRequest> underWay;

    private int attempts;
    private boolean clientLeft;
    private @Nullable RelayAttempt current;

    RelayedRequest(
            ServerExchange exchange,
            Relay.Picker picker,
            Consumer<Exchange> whenNone,
            Consumer<Exchange> whenFailed,
            Set<RelayedRequest> underWay) {
        this.exchange = exchange;
        this.picker = picker;
        this.whenNone = whenNone;
        this.whenFailed = whenFailed;
        this.underWay = underWay;
    }

    void start() {
        underWay.add(this);
        exchange.watch(this);
        tryNext();
    }

    /** Ends it as a broken upstream would, which nobody takes the place of. From any thread. */
    void cut() {
        exchange.executor().execute(() -> {
            if (underWay.contains(this)) {
                clientLeft();
                exchange.abort();
            }
        });
    }

    private void tryNext() {
        if (clientLeft) {
            return;
        }
        try {
            int attempt = attempts++;
            Relay.Upstream upstream = picker.pick(attempt);
            if (upstream == null) {
                underWay.remove(this);
                Consumer<Exchange> answer = attempt == 0 ? whenNone : whenFailed;
                Thread.ofVirtual().start(() -> exchange.run(answer::accept));
            } else {
                current = new RelayAttempt(this, exchange, upstream);
                current.start();
            }
        } catch (RuntimeException e) {
            underWay.remove(this);
            exchange.failed(e);
        }
    }

    /** The attempt ended; called once for each. */
    void ended(RelayAttempt attempt, boolean failed) {
        current = null;
        picker.done(attempt.upstream(), failed);
        if (failed && !attempt.answering()) {
            tryNext();
            return;
        }
        underWay.remove(this);
        if (failed) {
            exchange.abort();
        }
    }

    @Override
    public void clientLeft() {
        clientLeft = true;
        underWay.remove(this);
        if (current != null) {
            current.abandon();
        }
    }

    @Override
    public void writabilityChanged() {
        if (current != null) {
            current.clientWritabilityChanged();
        }
    }
}
