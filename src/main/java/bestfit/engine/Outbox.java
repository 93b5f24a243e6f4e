package bestfit.engine;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executor;

/** What the core has for its answers until it hands it out. Owned by the core's thread. */
final class Outbox {
    /** Sinks with new events, by who uses them; one with several may be there again, and finds nothing left. */
    private final Map<Executor, List<TokenSink>> touched = new LinkedHashMap<>();

    void add(TokenSink sink, TokenEvent event) {
        sink.add(event);
        touched.computeIfAbsent(sink.executor(), _ -> new ArrayList<>()).add(sink);
    }

    /** Has everything made ready for {@link #handOut}, so that little is left to do then. */
    void prepare() {
        touched.forEach((executor, sinks) -> {
            var now = List.copyOf(sinks);
            executor.execute(() -> now.forEach(TokenSink::prepare));
        });
    }

    /** One piece of work for each thread that answers, however many answers a step has: they keep their order and few threads wake. */
    void handOut() {
        touched.forEach((executor, sinks) -> executor.execute(() -> sinks.forEach(TokenSink::drain)));
        touched.clear();
    }
}
