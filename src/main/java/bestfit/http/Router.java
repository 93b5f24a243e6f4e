package bestfit.http;

/**
 * Routes by method and path. A path is literal, has {@code {name}} segments, or ends in {@code /*} for all below it. An
 * unknown path is 404, a known one with another method 405, both with FastAPI's bodies. Built once, then immutable in use.
 */
public final class Router {
    public Router get(String path, Handler handler) {
        return on("GET", path, handler);
    }

    public Router post(String path, Handler handler) {
        return on("POST", path, handler);
    }

    /** {@code method} may be {@code "*"}. */
    public Router on(String method, String path, Handler handler) {
        throw new UnsupportedOperationException();
    }
}
