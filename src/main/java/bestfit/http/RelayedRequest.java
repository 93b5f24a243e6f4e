package bestfit.http;

import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** One exchange and the upstreams tried for it. Confined to the client's event loop. */
final class RelayedRequest implements ClientWatcher {
    private final ServerExchange exchange;
    private final Relay.Picker picker;
    private final Consumer<Exchange> whenNone;
    private final Consumer<Exchange> whenFailed;
    private int attempts;
    private boolean clientLeft;
    private @Nullable RelayAttempt current;

    RelayedRequest(
            ServerExchange exchange, Relay.Picker picker, Consumer<Exchange> whenNone, Consumer<Exchange> whenFailed) {
        this.exchange = exchange;
        this.picker = picker;
        this.whenNone = whenNone;
        this.whenFailed = whenFailed;
    }

    void start() {
        exchange.watch(this);
        tryNext();
    }

    private void tryNext() {
        if (clientLeft) {
            return;
        }
        try {
            int attempt = attempts++;
            Relay.Upstream upstream = picker.pick(attempt);
            if (upstream == null) {
                Consumer<Exchange> answer = attempt == 0 ? whenNone : whenFailed;
                Thread.ofVirtual().start(() -> exchange.run(answer::accept));
            } else {
                current = new RelayAttempt(this, exchange, upstream);
                current.start();
            }
        } catch (RuntimeException e) {
            exchange.failed(e);
        }
    }

    /** The attempt ended; called once for each. */
    void ended(RelayAttempt attempt, boolean failed) {
        current = null;
        picker.done(attempt.upstream(), failed);
        if (failed && attempt.answering()) {
            exchange.abort();
        } else if (failed) {
            tryNext();
        }
    }

    @Override
    public void clientLeft() {
        clientLeft = true;
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
