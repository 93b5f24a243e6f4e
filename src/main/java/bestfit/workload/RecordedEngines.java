package bestfit.workload;

import bestfit.metrics.EngineBirth;
import bestfit.workload.RecordedWorkload.Look;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * The looks at each engine behind an address, in order; an engine that took the place of another begins with an empty page.
 *
 * @param looks pages by engine
 * @param inTurn engines that answered by turns; 1 if one took the place of the other
 */
record RecordedEngines(Collection<List<String>> looks, int inTurn) {
    private static final String NO_PAGE = "";

    static RecordedEngines of(List<Look> looks) {
        var pages = new LinkedHashMap<List<String>, List<String>>();
        int changes = 0;
        List<String> last = List.of();
        for (var look : looks) {
            var birth = EngineBirth.of(look.text());
            changes += pages.isEmpty() || birth.equals(last) ? 0 : 1;
            last = birth;
            pages.computeIfAbsent(birth, _ -> new ArrayList<>()).add(look.text());
        }
        boolean inTurn = changes >= pages.size(); // one of them came back
        if (!inTurn) {
            pages.values().stream().skip(1).forEach(of -> of.addFirst(NO_PAGE));
        }
        return new RecordedEngines(pages.values(), inTurn ? pages.size() : 1);
    }

    /** How many values of a histogram fell into each bucket, by its upper edge. */
    SortedMap<Double, Long> ended(String histogram) {
        var ended = new TreeMap<Double, Long>();
        for (var engine : looks) {
            for (int i = 1; i < engine.size(); i++) {
                var before = buckets(engine.get(i - 1), histogram);
                buckets(engine.get(i), histogram).forEach((labels, now) -> {
                    var was = before.getOrDefault(labels, new TreeMap<>());
                    boolean anew = isAnew(was, now);
                    long below = 0;
                    for (var bucket : now.entrySet()) {
                        long upTo = bucket.getValue() - (anew ? 0 : was.getOrDefault(bucket.getKey(), 0L));
                        ended.merge(bucket.getKey(), Math.max(0, upTo - below), Long::sum);
                        below = upTo;
                    }
                });
            }
        }
        return ended;
    }

    /** Of a counter under the first of these names that any page has. */
    double increase(String... names) {
        for (var name : names) {
            double all = 0;
            boolean told = false;
            for (var engine : looks) {
                for (int i = 1; i < engine.size(); i++) {
                    var before = values(engine.get(i - 1), name);
                    for (var now : values(engine.get(i), name).entrySet()) {
                        double was = before.getOrDefault(now.getKey(), 0.0);
                        all += now.getValue() < was ? now.getValue() : now.getValue() - was;
                        told = true;
                    }
                }
            }
            if (told) {
                return all;
            }
        }
        return 0;
    }

    /** How often an engine was seen to begin anew. */
    int restarts(String histogram) {
        int restarts = 0;
        for (var engine : looks) {
            restarts += engine.getFirst().equals(NO_PAGE) ? 1 : 0;
            for (int i = 1; i < engine.size(); i++) {
                var before = buckets(engine.get(i - 1), histogram);
                var now = buckets(engine.get(i), histogram);
                restarts += now.entrySet().stream()
                                .anyMatch(each ->
                                        isAnew(before.getOrDefault(each.getKey(), new TreeMap<>()), each.getValue()))
                        ? 1
                        : 0;
            }
        }
        return restarts;
    }

    private static boolean isAnew(Map<Double, Long> before, Map<Double, Long> now) {
        return before.entrySet().stream().anyMatch(bucket -> now.getOrDefault(bucket.getKey(), 0L) < bucket.getValue());
    }

    private static Map<String, Double> values(String page, String name) {
        var values = new HashMap<String, Double>();
        MetricSample.of(page, name).forEach(sample -> values.merge(sample.labels(), sample.value(), Double::sum));
        return values;
    }

    /** At most so much, by bucket edge; apart by engine and model. */
    private static Map<String, SortedMap<Double, Long>> buckets(String page, String histogram) {
        var all = new HashMap<String, SortedMap<Double, Long>>();
        MetricSample.of(page, histogram + "_bucket")
                .filter(sample -> !Double.isNaN(sample.edge()))
                .forEach(sample -> all.computeIfAbsent(sample.labels(), _ -> new TreeMap<>())
                        .merge(sample.edge(), (long) sample.value(), Long::sum));
        return all;
    }
}
