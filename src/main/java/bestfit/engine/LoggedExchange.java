package bestfit.engine;

import bestfit.http.Exchange;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * An exchange that tells its status once its answer begins, as uvicorn logs it.
 *
 * @param added headers that every answer has
 */
record LoggedExchange(Exchange inner, Map<String, String> added, Observer observer) implements Exchange {
    /** Told when an answer begins. */
    @FunctionalInterface
    interface Observer {
        /** @param bytes of a whole answer; 0 for a stream */
        void begins(int status, int bytes);
    }

    @Override
    public void respond(int status, Map<String, String> headers, byte[] body) {
        observer.begins(status, body.length);
        inner.respond(status, all(headers), body);
    }

    @Override
    public BodyStream stream(int status, Map<String, String> headers) {
        observer.begins(status, 0);
        return inner.stream(status, all(headers));
    }

    private Map<String, String> all(Map<String, String> headers) {
        if (added.isEmpty()) {
            return headers;
        }
        var all = new LinkedHashMap<>(headers);
        all.putAll(added);
        return all;
    }

    @Override
    public String method() {
        return inner.method();
    }

    @Override
    public String remoteAddress() {
        return inner.remoteAddress();
    }

    @Override
    public String path() {
        return inner.path();
    }

    @Override
    public String target() {
        return inner.target();
    }

    @Override
    public Optional<String> query(String name) {
        return inner.query(name);
    }

    @Override
    public List<String> headers(String name) {
        return inner.headers(name);
    }

    @Override
    public String pathValue(String name) {
        return inner.pathValue(name);
    }

    @Override
    public byte[] body() {
        return inner.body();
    }

    @Override
    public long receivedNanos() {
        return inner.receivedNanos();
    }

    @Override
    public void onClientGone(Runnable action) {
        inner.onClientGone(action);
    }
}
