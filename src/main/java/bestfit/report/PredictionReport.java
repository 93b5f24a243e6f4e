package bestfit.report;

import bestfit.args.ArgsText;
import bestfit.args.Layout;
import bestfit.config.Json;
import bestfit.perf.Estimate;
import bestfit.perf.MeasuredHere;
import bestfit.perf.MemoryModel;
import bestfit.perf.Plan;
import bestfit.perf.Prediction;
import bestfit.perf.StepTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/** What each config will do, for people and for programs. Pure. */
public final class PredictionReport {
    private static final String ROW = "%-15s %-5s %18s %13s %15s %14s %s";
    /** Stands for a blank at which no line is broken. */
    private static final char KEPT = '\u00a0';

    private static final String INDENT = " ".repeat(22);

    private PredictionReport() {}

    /** A table of at most 100 columns; {@code known} says what the predictions rest on. */
    public static List<String> text(Plan plan, MeasuredHere.Knowledge known) {
        var lines = new ArrayList<String>();
        lines.add(ROW.formatted("layout", "fits", "output tok/s", "TPOT ms", "TTFT s", "at once", "where it goes")
                .stripTrailing());
        plan.rows().forEach(row -> lines.addAll(lines(row)));
        boolean offloaded = plan.rows().stream().anyMatch(PredictionReport::waitsForHost);
        lines.add("At once: requests that run together. Where a decode step goes: weights·KV·links·CPU"
                + (offloaded ? "·host memory (offloaded weights)" : "") + ", %.");
        plan.basis()
                .ifPresent(each -> lines.add("Basis: " + each.label() + "; intervals hold 90 %." + rest(each, known)));
        if (plan.basis().filter(each -> each != Prediction.Basis.SPEC_SHEET).isPresent()) {
            lines.addAll(advice(plan));
        }
        return lines;
    }

    /** A config's figures, and below them, or in their place, why it is not to be had. */
    private static List<String> lines(Plan.Row row) {
        var lines = new ArrayList<String>();
        boolean shown =
                row.prediction().filter(each -> !each.figures().isEmpty()).isPresent();
        row.prediction().filter(_ -> shown).ifPresent(each -> lines.add(line(row, each)));
        if (!shown || row.verdict() != MemoryModel.Verdict.YES) {
            var left = shown
                    ? INDENT
                    : "%-15s %-5s ".formatted(row.layout(), row.verdict().label());
            lines.addAll(Wrapped.lines(left + row.reason(), INDENT));
        }
        return lines;
    }

    private static boolean waitsForHost(Plan.Row row) {
        return row.prediction().filter(each -> each.decode().hostMemory() > 0).isPresent();
    }

    private static String rest(Prediction.Basis basis, MeasuredHere.Knowledge known) {
        return switch (basis) {
            case SPEC_SHEET -> " No ranking: the data sheet alone does not carry one.";
            case MEASURED_HERE ->
                String.format(
                        Locale.ROOT, " The model misses what was measured here by %.0f %%.", 100 * known.residual());
            case SAME_GPU, SIMILAR_GPU -> "";
        };
    }

    private static List<String> advice(Plan plan) {
        var lines = new ArrayList<String>();
        plan.order()
                .forEach((users, order) -> lines.add("Best first at " + users + " users: "
                        + list(order.stream().limit(3))));
        if (plan.flips()) {
            lines.add("Warning: the best layout depends on the number of users; measure under your own load.");
        }
        var hopeless = plan.hopeless();
        if (!hopeless.isEmpty()) {
            Wrapped.lines(
                            "Worth no trial (at their best behind the first at its worst): "
                                    + list(hopeless.stream()).replace(' ', KEPT).replace(KEPT + "·" + KEPT, " · "),
                            "  ")
                    .forEach(line -> lines.add(line.replace(KEPT, ' ')));
        }
        return lines;
    }

    private static String list(Stream<Layout> layouts) {
        return layouts.map(Layout::toString).collect(Collectors.joining(" · "));
    }

    private static String line(Plan.Row row, Prediction prediction) {
        var figures = prediction.figures();
        return ROW.formatted(
                row.layout(),
                row.verdict().label(),
                range(figures.get("output_tok_s"), 1),
                range(figures.get("tpot_ms_mean"), 1),
                range(figures.get("ttft_ms_mean"), 1e-3),
                range(row.atOnce().orElse(null), 1),
                shares(prediction.decode()));
    }

    private static String range(@Nullable Estimate of, double unit) {
        return of == null
                ? ""
                : figure(of.value() * unit, 100, 10) + " (" + figure(of.low() * unit, 10, 1) + "–"
                        + figure(of.high() * unit, 10, 1) + ")";
    }

    /** Three digits of a value, two of a bound. */
    private static String figure(double value, double whole, double tenths) {
        return String.format(Locale.ROOT, value >= whole ? "%.0f" : value >= tenths ? "%.1f" : "%.2f", value);
    }

    private static String shares(StepTime time) {
        double all = time.seconds();
        var parts = String.format(
                Locale.ROOT,
                "%.0f·%.0f·%.0f·%.0f",
                100 * time.weights() / all,
                100 * time.attention() / all,
                100 * time.communication() / all,
                100 * time.cpu() / all);
        return time.hostMemory() > 0
                ? String.format(Locale.ROOT, "%s·%.0f", parts, 100 * time.hostMemory() / all)
                : parts;
    }

    public static ObjectNode json(Plan plan, MeasuredHere.Knowledge known) {
        var json = Json.object();
        var configs = json.putArray("configs");
        plan.rows().forEach(row -> configs.add(row(row)));
        var ranking = json.putObject("ranking");
        plan.order().forEach((users, order) -> {
            var list = ranking.putArray(Integer.toString(users));
            order.forEach(layout -> list.add(layout.toString()));
        });
        var hopeless = json.putArray("worth_no_trial");
        plan.hopeless().forEach(layout -> hopeless.add(layout.toString()));
        return json.put("ranking_flips", plan.flips())
                .put("interval_share", 0.9)
                .put("residual", known.residual());
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
            row.atOnce().ifPresent(each -> json.set("requests_at_once", estimate(each)));
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
                    .put("cpu", 1e3 * time.cpu())
                    .put("host_memory", 1e3 * time.hostMemory());
            json.put("basis", prediction.basis().label());
        });
        return json;
    }

    private static ObjectNode estimate(Estimate of) {
        return Json.object().put("mean", of.value()).put("low", of.low()).put("high", of.high());
    }
}
