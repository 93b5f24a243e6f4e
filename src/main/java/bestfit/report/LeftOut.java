package bestfit.report;

import bestfit.tune.Rejection;
import bestfit.tune.SearchSpace;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;

/** What a search space left out, one line a reason. Pure. */
final class LeftOut {
    /** More of the same reason are counted instead of named. */
    private static final int NAMED = 4;

    private LeftOut() {}

    /** Such as {@code TP 3 PP 1 ×1: 4 heads are not divisible by TP 3}. */
    static List<String> lines(SearchSpace space) {
        var titles = new LinkedHashMap<String, List<String>>();
        for (var each : space.rejections()) {
            titles.computeIfAbsent(each.reason(), _ -> new ArrayList<>()).add(title(each));
        }
        return titles.entrySet().stream()
                .map(entry -> named(entry.getValue()) + ": " + entry.getKey())
                .toList();
    }

    private static String named(List<String> titles) {
        var distinct = titles.stream().distinct().toList();
        return distinct.size() <= NAMED
                ? String.join(", ", distinct)
                : String.join(", ", distinct.subList(0, NAMED)) + " and " + (distinct.size() - NAMED) + " more";
    }

    private static String title(Rejection rejection) {
        var candidate = rejection.candidate();
        return candidate.limits().equals("default") ? candidate.layout().toString() : candidate.title();
    }
}
