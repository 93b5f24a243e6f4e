package bestfit.report;

import bestfit.args.ArgsText;
import bestfit.args.Layout;
import bestfit.config.Json;
import bestfit.perf.Estimate;
import bestfit.perf.MemoryModel;
import bestfit.perf.Plan;
import bestfit.perf.Prediction;
import bestfit.perf.StepTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import tools.jackson.databind.node.ObjectNode;

/** What each config will do, for people and for programs. Pure. */
public final class PredictionReport {
    private PredictionReport() {}

    public static List<String> text(Plan plan) {
        var lines = new ArrayList<String>();
        lines.add("%-16s %-5s %22s %18s %20s  %s"
                .formatted(
                        "layout",
                        "fits",
                        "output tok/s",
                        "TPOT ms",
                        "TTFT ms",
                        "a decode step goes to; what the row rests on"));
        for (var row : plan.rows()) {
            var prediction = row.prediction();
            boolean shown =
                    prediction.isPresent() && !prediction.get().figures().isEmpty();
            lines.add(shown ? line(row, prediction.get()) : left(row) + row.reason());
        }
        var basis = plan.rows().stream()
                .flatMap(row -> row.prediction().stream())
                .map(Prediction::basis)
                .findFirst();
        basis.ifPresent(each -> lines.add("Basis: " + each.label() + "; intervals hold 90 %."
                + (each == Prediction.Basis.SPEC_SHEET
                        ? " No ranking: the data sheet alone does not carry one."
                        : "")));
        plan.order()
                .forEach((users, order) -> lines.add("Best first at " + users + " users: "
                        + order.stream().limit(3).map(Layout::toString).collect(Collectors.joining(" · "))));
        if (plan.flips()) {
            lines.add("Warning: the best layout depends on the number of users; measure under your own load.");
        }
        return lines;
    }

    private static String left(Plan.Row row) {
        return "%-16s %-5s ".formatted(row.layout(), row.verdict().label());
    }

    private static String line(Plan.Row row, Prediction prediction) {
        var figures = prediction.figures();
        return left(row)
                + "%22s %18s %20s  %s"
                        .formatted(
                                range(figures, "output_tok_s"),
                                range(figures, "tpot_ms_mean"),
                                range(figures, "ttft_ms_mean"),
                                shares(prediction.decode()))
                + "; " + prediction.basis().label()
                + (row.verdict() == MemoryModel.Verdict.CLOSE ? "; " + row.reason() : "");
    }

    private static String range(Map<String, Estimate> figures, String name) {
        var of = figures.get(name);
        if (of == null) {
            return "";
        }
        return String.format(
                Locale.ROOT,
                of.value() < 100 ? "%.1f (%.1f–%.1f)" : "%.0f (%.0f–%.0f)",
                of.value(),
                of.low(),
                of.high());
    }

    private static String shares(StepTime time) {
        double all = time.seconds();
        return String.format(
                Locale.ROOT,
                "weights %.0f %%, KV %.0f %%, links %.0f %%, CPU %.0f %%",
                100 * time.weights() / all,
                100 * time.attention() / all,
                100 * time.communication() / all,
                100 * time.cpu() / all);
    }

    public static ObjectNode json(Plan plan) {
        var json = Json.object();
        var configs = json.putArray("configs");
        plan.rows().forEach(row -> configs.add(row(row)));
        var ranking = json.putObject("ranking");
        plan.order().forEach((users, order) -> {
            var list = ranking.putArray(Integer.toString(users));
            order.forEach(layout -> list.add(layout.toString()));
        });
        return json.put("ranking_flips", plan.flips());
    }

    private static ObjectNode row(Plan.Row row) {
        var json = Json.object();
        var args = json.putArray("args");
        row.args().list().forEach(args::add);
        json.put("args_text", ArgsText.write(row.args()));
        json.putObject("layout")
                .put("tp", row.layout().tp())
                .put("pp", row.layout().pp())
                .put("instances", row.layout().instances());
        json.put("fits", row.verdict().label()).put("reason", row.reason());
        row.prediction().ifPresent(prediction -> {
            json.set("kv_tokens", estimate(prediction.memory().kvTokens()));
            json.put("longest_context", prediction.memory().longestThatFits());
            var predicted = json.putObject("predicted");
            var names = List.of("ttft_ms", "tpot_ms", "output_tok_s");
            var columns = List.of("ttft_ms_mean", "tpot_ms_mean", "output_tok_s");
            for (int i = 0; i < names.size(); i++) {
                var figure = prediction.figures().get(columns.get(i));
                if (figure != null) {
                    predicted.set(names.get(i), estimate(figure));
                }
            }
            var time = prediction.decode();
            json.putObject("decode_step_ms")
                    .put("weights", 1e3 * time.weights())
                    .put("kv", 1e3 * time.attention())
                    .put("links", 1e3 * time.communication())
                    .put("cpu", 1e3 * time.cpu());
            json.put("basis", prediction.basis().label());
        });
        return json;
    }

    private static ObjectNode estimate(Estimate of) {
        return Json.object().put("value", of.value()).put("low", of.low()).put("high", of.high());
    }
}
