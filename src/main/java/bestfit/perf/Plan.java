package bestfit.perf;

import bestfit.args.Layout;
import bestfit.args.VllmArgs;
import bestfit.config.ConfigException;
import bestfit.config.Problems;
import bestfit.hardware.ServerSpec;
import bestfit.model.ModelCard;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;

/**
 * Every layout of a model on a server, with what it will do.
 *
 * @param rows best first: those that fit by throughput, then those too close to call, then those that do not, by how little
 *     they lack
 * @param order of the fitting layouts at other numbers of users
 */
public record Plan(List<Row> rows, Map<Integer, List<Layout>> order) {
    /** Numbers of users at which the ranking is shown beside the workload's own. */
    public static final List<Integer> USERS = List.of(1, 10, 100);

    /**
     * What to plan for.
     *
     * @param mandatory the user's args; they are in every config
     */
    public record Query(ModelCard card, ServerSpec server, EngineVersion version, VllmArgs mandatory, Load load) {}

    /**
     * One layout.
     *
     * @param prediction empty where the model cannot be cut that way
     * @param atOnce requests of the workload's mean length that all instances can run at once, by KV space and batch limit; empty as
     *     well
     * @param reason why it does not fit, or where its memory goes
     */
    public record Row(
            Layout layout,
            VllmArgs args,
            Optional<Prediction> prediction,
            Optional<Estimate> atOnce,
            MemoryModel.Verdict verdict,
            String reason) {
        double throughput() {
            return bound(Estimate::value);
        }

        /** Bytes of a GPU that a layout lacks; endless where the model cannot be cut that way. */
        private double missing() {
            return prediction.map(each -> each.memory().missing()).orElse(Double.MAX_VALUE);
        }

        private double bound(ToDoubleFunction<Estimate> of) {
            return prediction
                    .map(each -> each.figures().get("output_tok_s"))
                    .map(of::applyAsDouble)
                    .orElse(0.0);
        }
    }

    /** @throws ConfigException when an arg cannot be used, or the workload is longer than the context */
    public static Plan of(Query query, Constants constants) {
        return of(query, new MeasuredHere.Knowledge(constants, Optional.empty(), 0));
    }

    /** The same with what was measured on this server. */
    public static Plan of(Query query, MeasuredHere.Knowledge known) {
        var problems = new Problems();
        check(query, problems);
        problems.throwIfAny();
        var load = query.load();
        var rows = new ArrayList<Row>();
        int count = query.server().count();
        for (int tp = 1; tp <= count; tp++) {
            for (int pp = 1; tp * pp <= count; pp++) {
                rows.add(row(query, Layout.filling(tp, pp, count), load, known));
            }
        }
        rows.sort(Comparator.comparing(Row::verdict)
                .thenComparing(Comparator.comparingDouble(Row::throughput).reversed())
                .thenComparingDouble(Row::missing));
        return new Plan(List.copyOf(rows), order(query, rows, known));
    }

    /** Adds what keeps {@link #of} from planning. */
    public static void check(Query query, Problems problems) {
        var args = query.mandatory();
        problems.of(() -> EngineSettings.of(query.card(), query.server().gpu(), query.version(), args));
        checkContext(query, args.intValue("--max-model-len").orElse(query.card().maxPositions()), problems);
        checkPositions(query, problems);
        checkLayout(query, problems);
    }

    private static void checkContext(Query query, int longest, Problems problems) {
        var load = query.load();
        double needed = load.inputTokens() + load.outputTokens();
        if (needed <= longest) {
            return;
        }
        var nearest = new ArrayList<String>();
        if (longest > load.outputTokens()) {
            nearest.add("prompts of %.0f tokens".formatted(longest - load.outputTokens()));
        }
        if (needed <= query.card().maxPositions()) {
            nearest.add("--max-model-len %.0f".formatted(needed));
        }
        problems.add("the workload's %.0f + %.0f tokens are beyond the context of %d%s"
                .formatted(
                        load.inputTokens(),
                        load.outputTokens(),
                        longest,
                        nearest.isEmpty() ? "" : "; the nearest that is within: " + String.join(", or ", nearest)));
    }

    /** vLLM refuses a context beyond the model's own, unless another arg stretches its positions. */
    private static void checkPositions(Query query, Problems problems) {
        var args = query.mandatory();
        int most = query.card().maxPositions();
        boolean stretched = args.has("--hf-overrides") || args.has("--rope-scaling");
        int asked = args.intValue("--max-model-len").orElse(most);
        if (asked > most && !stretched) {
            problems.add("--max-model-len " + asked + " is beyond the model's " + most
                    + " positions, which is the most that works");
        }
    }

    /** What the user's own args fix. */
    private static void checkLayout(Query query, Problems problems) {
        var card = query.card();
        var args = query.mandatory();
        int count = query.server().count();
        int tp = args.tensorParallel();
        if (args.has("--tensor-parallel-size") && dividing(card, tp).isPresent()) {
            int near = IntStream.rangeClosed(1, Math.max(count, 1))
                    .filter(each -> dividing(card, each).isEmpty())
                    .boxed()
                    .min(Comparator.comparingInt(each -> Math.abs(each - tp)))
                    .orElse(1);
            problems.add("--tensor-parallel-size " + tp + ": "
                    + dividing(card, tp).orElseThrow() + "; the nearest that works is " + near);
        }
        int pp = args.pipelineParallel();
        if (pp > card.layers()) {
            problems.add("--pipeline-parallel-size " + pp + ": the model has " + card.layers()
                    + " layers, which is the most that works");
        } else if (tp * pp > count) {
            problems.add("TP " + tp + " × PP " + pp + " needs " + tp * pp + " GPUs and the server has " + count
                    + (tp > count
                            ? "; the most that works is TP " + mostDividing(card, count)
                            : "; the most with this TP is PP " + count / tp));
        }
    }

    private static int mostDividing(ModelCard card, int count) {
        return IntStream.rangeClosed(1, count)
                .filter(each -> dividing(card, each).isEmpty())
                .max()
                .orElse(1);
    }

    /** Why a model cannot be cut over so many GPUs. */
    private static Optional<String> dividing(ModelCard card, int tp) {
        if (card.heads() % tp != 0) {
            return Optional.of(card.heads() + " heads are not divisible by TP " + tp);
        }
        return card.latent() == null && card.kvHeads() % tp != 0 && tp % card.kvHeads() != 0
                ? Optional.of(
                        card.kvHeads() + " KV heads can be neither split over TP " + tp + " evenly nor copied evenly")
                : Optional.empty();
    }

    private static Map<Integer, List<Layout>> order(Query query, List<Row> rows, MeasuredHere.Knowledge known) {
        var order = new TreeMap<Integer, List<Layout>>();
        for (int users : USERS) {
            var own = query.load();
            var load = new Load(own.inputTokens(), own.outputTokens(), users, 0, users * 10.0);
            order.put(
                    users,
                    rows.stream()
                            .filter(row -> row.verdict() == MemoryModel.Verdict.YES)
                            .map(row -> row(query, row.layout(), load, known))
                            .sorted(Comparator.comparingDouble(Row::throughput).reversed())
                            .map(Row::layout)
                            .toList());
        }
        return order;
    }

    /** True when the best layout is not the same at every number of users. */
    public boolean flips() {
        return order.values().stream()
                        .filter(each -> !each.isEmpty())
                        .map(List::getFirst)
                        .distinct()
                        .count()
                > 1;
    }

    /** What the predictions rest on; empty where the model cannot be cut for this server at all. */
    public Optional<Prediction.Basis> basis() {
        return rows.stream()
                .flatMap(row -> row.prediction().stream())
                .map(Prediction::basis)
                .findFirst();
    }

    /** Layouts that fit and whose highest throughput is below the best one's lowest. */
    public List<Layout> hopeless() {
        double sure = rows.stream()
                .filter(row -> row.verdict() == MemoryModel.Verdict.YES)
                .findFirst()
                .map(row -> row.bound(Estimate::low))
                .orElse(0.0);
        return rows.stream()
                .filter(row -> row.verdict() != MemoryModel.Verdict.NO && row.bound(Estimate::high) < sure)
                .map(Row::layout)
                .toList();
    }

    private static Row row(Query query, Layout layout, Load load, MeasuredHere.Knowledge known) {
        var ours = VllmArgs.of(
                "--tensor-parallel-size",
                Integer.toString(layout.tp()),
                "--pipeline-parallel-size",
                Integer.toString(layout.pp()));
        var args = VllmArgs.merge(query.mandatory(), ours);
        var why = whyNot(query, layout, args);
        if (why.isPresent()) {
            return new Row(layout, args, Optional.empty(), Optional.empty(), MemoryModel.Verdict.NO, why.get());
        }
        var server = query.server();
        var settings = EngineSettings.of(query.card(), server.gpu(), query.version(), args);
        var on = new Instance(query.card(), settings, server.gpu(), server.link(), layout.tp(), layout.pp());
        var prediction = Prediction.of(
                new Case(on, layout.instances(), load, true),
                known.constants(),
                known.basis().orElse(Prediction.Basis.of(server.gpu())));
        return new Row(
                layout,
                args,
                Optional.of(prediction),
                Optional.of(atOnce(prediction, layout, load, settings)),
                prediction.memory().verdict(),
                prediction.memory().reason());
    }

    private static Estimate atOnce(Prediction prediction, Layout layout, Load load, EngineSettings settings) {
        var tokens = prediction.memory().kvTokens();
        double most = (double) settings.maxSequences() * layout.instances();
        double each = (load.meanInput() + load.meanOutput()) / layout.instances();
        return new Estimate(
                Math.min(most, tokens.value() / each),
                Math.min(most, tokens.low() / each),
                Math.min(most, tokens.high() / each));
    }

    private static Optional<String> whyNot(Query query, Layout layout, VllmArgs args) {
        var card = query.card();
        int tp = layout.tp();
        if (args.tensorParallel() != tp || args.pipelineParallel() != layout.pp()) {
            return Optional.of("your args fix TP " + args.tensorParallel() + " PP " + args.pipelineParallel());
        }
        var cut = dividing(card, tp);
        if (cut.isPresent()) {
            return cut;
        }
        return layout.pp() > card.layers()
                ? Optional.of("PP " + layout.pp() + " has more stages than the model's " + card.layers() + " layers")
                : Optional.empty();
    }
}
