package bestfit.http;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * Routes by method and path. A path is literal, has {@code {name}} segments, or ends in {@code /*} for all below it; the
 * more literal route wins, whatever the order of registration. An unknown path is 404, a known one with another method 405
 * (HEAD where there is GET included), both with FastAPI's bodies; one slash too many at its end is redirected. Built once,
 * then immutable in use.
 */
public final class Router {
    /** Literal segments first, then named ones, then the longest prefix. */
    private static final Comparator<Route> MOST_LITERAL = Comparator.comparing((Route route) -> route.prefix)
            .thenComparingInt(route -> -route.segments.size())
            .thenComparingInt(Route::namedSegments)
            .thenComparing(Route::positionsNamed);

    private final List<Route> routes = new ArrayList<>();
    private UnaryOperator<Handler> around = UnaryOperator.identity();

    private record Route(String method, List<String> segments, boolean prefix, Handler handler) {
        static Route of(String method, String path, Handler handler) {
            if (!path.startsWith("/")) {
                throw new IllegalArgumentException("a route's path begins with /, not: " + path);
            }
            boolean prefix = path.endsWith("/*");
            String fixed = prefix ? path.substring(0, path.length() - 2) : path;
            List<String> segments =
                    fixed.isEmpty() ? List.of() : List.of(fixed.substring(1).split("/", -1));
            return new Route(method, segments, prefix, handler);
        }

        private static boolean isNamed(String segment) {
            return segment.startsWith("{") && segment.endsWith("}");
        }

        int namedSegments() {
            return (int) segments.stream().filter(Route::isNamed).count();
        }

        /** Sorts routes that name an earlier segment after those that name a later one. */
        String positionsNamed() {
            StringBuilder positions = new StringBuilder();
            segments.forEach(segment -> positions.append(isNamed(segment) ? '1' : '0'));
            return positions.toString();
        }

        /** The values of the named segments; null when the path is another one. */
        @Nullable
        Map<String, String> match(List<String> path) {
            if (prefix ? path.size() <= segments.size() : path.size() != segments.size()) {
                return null;
            }
            Map<String, String> values = new HashMap<>();
            for (int i = 0; i < segments.size(); i++) {
                String segment = segments.get(i);
                if (isNamed(segment) && !path.get(i).isEmpty()) {
                    values.put(segment.substring(1, segment.length() - 1), path.get(i));
                } else if (!segment.equals(path.get(i))) {
                    return null;
                }
            }
            return values;
        }

        boolean takes(String wanted) {
            return method.equals("*") || method.equals(wanted);
        }
    }

    public Router get(String path, Handler handler) {
        return on("GET", path, handler);
    }

    public Router post(String path, Handler handler) {
        return on("POST", path, handler);
    }

    /** {@code method} may be {@code "*"}. */
    public Router on(String method, String path, Handler handler) {
        routes.add(Route.of(method, path, handler));
        routes.sort(MOST_LITERAL);
        return this;
    }

    /** Has every answer made by what {@code wrapping} makes of its handler, those that there is no such route included. */
    public Router around(UnaryOperator<Handler> wrapping) {
        around = wrapping;
        return this;
    }

    /** The handler of the exchange's route, or one that answers that there is none. Does not block. */
    Handler find(ServerExchange exchange, Target target) {
        return around.apply(route(exchange, target));
    }

    private Handler route(ServerExchange exchange, Target target) {
        if (!target.isWellFormed()) {
            return answered -> detail(answered, 400, Map.of(), "Bad Request");
        }
        List<String> path = target.segments();
        TreeSet<String> allowed = new TreeSet<>();
        for (Route route : routes) {
            Map<String, String> values = route.match(path);
            if (values != null && route.takes(exchange.method())) {
                exchange.pathValues(values);
                return route.handler;
            }
            if (values != null) {
                allowed.add(route.method);
            }
        }
        if (allowed.isEmpty()) {
            String other = otherSlash(path, target);
            if (!other.isEmpty()) {
                return answered -> answered.respond(307, Map.of("Location", other), new byte[0]);
            }
            return answered -> detail(answered, 404, Map.of(), "Not Found");
        }
        Map<String, String> allow = Map.of("Allow", String.join(", ", allowed));
        return answered -> detail(answered, 405, allow, "Method Not Allowed");
    }

    /** The same path with or without its last slash, if a route is there: FastAPI redirects to it. Empty if none is. */
    private String otherSlash(List<String> path, Target target) {
        boolean slashed = path.getLast().isEmpty();
        List<String> other = new ArrayList<>(path);
        if (slashed) {
            other.removeLast();
        } else {
            other.add("");
        }
        boolean there =
                !other.isEmpty() && routes.stream().anyMatch(route -> !route.prefix && route.match(other) != null);
        return there ? target.otherSlash() : "";
    }

    private static void detail(Exchange exchange, int status, Map<String, String> headers, String detail) {
        Map<String, String> all = new HashMap<>(headers);
        all.put("Content-Type", "application/json");
        exchange.respond(status, all, ("{\"detail\":\"" + detail + "\"}").getBytes(StandardCharsets.UTF_8));
    }
}
