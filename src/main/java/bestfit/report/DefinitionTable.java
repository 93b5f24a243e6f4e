package bestfit.report;

import bestfit.config.Json;
import bestfit.metrics.Definition;
import bestfit.metrics.Measurement;
import bestfit.metrics.ToolMetrics;
import java.util.List;
import java.util.Locale;
import tools.jackson.databind.node.ObjectNode;

/** What another tool would have reported of a run. */
public record DefinitionTable(Definition definition, ToolMetrics metrics) {
    public static DefinitionTable of(Definition definition, List<Measurement> measurements) {
        return new DefinitionTable(definition, ToolMetrics.of(definition, measurements));
    }

    public ObjectNode json() {
        var json = Json.object();
        metrics.times()
                .forEach((name, d) -> json.putObject(name)
                        .put("mean", d.mean())
                        .put("p50", d.p50())
                        .put("p90", d.p90())
                        .put("p95", d.p95())
                        .put("p99", d.p99())
                        .put("max", d.max())
                        .put("n", d.count()));
        metrics.values().forEach(json::put);
        return json;
    }

    public String text() {
        var text = new StringBuilder("By the definitions of " + definition.label() + ":\n");
        if (!metrics.times().isEmpty()) {
            text.append(String.format(Locale.ROOT, "%-28s %12s %12s %12s %12s%n", "", "mean", "p50", "p95", "p99"));
        }
        metrics.times()
                .forEach((name, d) -> text.append(String.format(
                        Locale.ROOT,
                        "%-28s %12.3f %12.3f %12.3f %12.3f%n",
                        name,
                        d.mean(),
                        d.p50(),
                        d.p95(),
                        d.p99())));
        metrics.values()
                .forEach((name, value) -> text.append(String.format(Locale.ROOT, "%-28s %12.4f%n", name, value)));
        return text.toString().stripTrailing();
    }
}
