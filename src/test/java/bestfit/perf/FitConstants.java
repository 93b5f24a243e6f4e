package bestfit.perf;

import bestfit.config.ConfigException;
import bestfit.hardware.ServerSpec;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.commons.statistics.distribution.NormalDistribution;
import org.jspecify.annotations.NullUnmarked;
import org.jspecify.annotations.Nullable;

/**
 * Fits the constants on tables of measured servers, and says what to expect of a server that is in none of them: each
 * table is left out once, the constants fitted on the others, and its rows predicted. Hosts differ in their CPUs, so a factor
 * on the constants {@code cpu.*} is fitted for each GPU of each table beside them and dropped afterwards (a random effect:
 * what is kept is the middle of the hosts, and no table's slow server pulls at it). {@code bench/fit-perf DIR OUT} writes {@code OUT/constants.properties} and, in {@code OUT/left-out/}, the predictions of each table by the constants that
 * never saw it.
 */
@NullUnmarked // tables and files that are missing should fail here
final class FitConstants {
    private static final double NOISE = 0.06;
    private static final int TURNS = 25;

    /** From constants that fitted all tables to those that fit all but one. */
    private static final int FEW_TURNS = 12;

    private static final NormalDistribution STANDARD = NormalDistribution.of(0, 1);

    /**
     * Tables that the prior counts for when intervals are set. Of a table that neither constants nor factors saw, 92, 90 and 88 % lie
     * inside (mean of the tables: TTFT, TPOT, rate); counted whole 94, 94 and 93 %, not at all 86, 87 and 88 %.
     */
    private static final double BELIEF = 0.5;

    private static final String HOST = "host.";

    /** A fit's time grows with its rows; the large tables are dense grids whose neighbours say the same. */
    private static final int MOST = 70;

    /** Tables whose TTFT shows how the CPU and the prompts' steps take turns; the others' is prefix-cache hits or a queue. */
    private static final List<String> FIRST_TOKENS = List.of("datacenter_vllm", "h100_vllm");

    private static final List<String> KINDS = List.of("ttft", "time", "rate");

    private static final List<String> FITTED = List.of("tpot_ms_mean", "output_tok_s", "ttft_ms_mean");

    private static final String HEADER = """
            # Written by bench/fit-perf on the measured tables: value, and standard deviation of its logarithm. Starting from priors.properties, each
            # constant moved only as far as rows ask for it: hopper.* by h100_vllm and its recorded steps, datacenter_vllm, pcie_4090_h100_vllm and servers_4090_l40s_h200_vllm;
            # blackwell-dc.* by datacenter_vllm; ampere.* by a100_tp_pp_ep_trtllm; ada.* by the L40S rows and consumer.*, ar.host.2.* and ar.host.4.* by the
            # RTX 4090 rows of pcie_4090_h100_vllm and servers_4090_l40s_h200_vllm; blackwell.* by rtx_pro_4500_vllm; ar.NVLINK.* by datacenter_vllm,
            # ar.nccl.* and cpu.other* by a100_tp_pp_ep_trtllm; cpu.async* by h100_vllm, rtx_pro_4500_vllm and the newer rows of datacenter_vllm,
            # cpu.sync* by the older and by pcie_4090_h100_vllm; the others by all. No row asks for ar.PCIE*, ar.host.8.*, cpu.v0*, cpu.stage*, attention.v0Block
            # and other.*: those are the priors. cpu.* are the middle of the hosts, which differ by a factor of 1.5 (a deviation).
            # No fit saw the gonka guide's table, but it was in view when ar.host.8.bus, attention.v0Block and cpu.v0FirstS were chosen.
            # spread.* hold 90 % of the rows whose table was left out, every table counting alike.
            """;

    /** @param steps recorded ones of the table's server, of which the first figure is their time; null for a row of the table */
    private record Row(
            String source, Case config, StepTable.@Nullable Window steps, List<Double> measured, Set<String> names) {
        static Row of(String source, Case config, StepTable.@Nullable Window steps, List<Double> measured) {
            var row = new Row(source, config, steps, measured, new HashSet<>());
            row.figures(Constants.priors().noting(row.names));
            row.names.add(row.host());
            return row;
        }

        String host() {
            return HOST + source + "." + config.instance().gpu().name();
        }

        /** Recorded steps are thinned and weighed beside the table. */
        String group() {
            return source + (steps == null ? "" : " steps");
        }

        double[] figures(Constants constants) {
            if (steps != null) {
                return new double[] {steps.predicted(constants), Double.NaN, Double.NaN};
            }
            var figures = Prediction.values(config, constants);
            return FITTED.stream()
                    .mapToDouble(name -> figures.getOrDefault(name, Double.NaN))
                    .toArray();
        }
    }

    private FitConstants() {}

    public static void main(String[] args) throws IOException {
        long began = System.nanoTime();
        var tables = new TreeMap<String, Path>();
        try (var files = Files.list(Path.of(args[0]))) {
            files.filter(file -> file.toString().endsWith(".csv")).forEach(file -> tables.put(name(file), file));
        }
        var rows = new ArrayList<Row>();
        for (var table : tables.entrySet()) {
            rows.addAll(rows(table.getKey(), Files.readString(table.getValue())));
        }
        rows.addAll(steps(Path.of(args[0])));
        var out = Path.of(args[1]);
        Files.createDirectories(out.resolve("left-out"));
        var residuals = new ArrayList<Residual>();
        var leftOut = new TreeMap<String, Constants>();
        var priors = withHosts(rows);
        var all = fitFromSeveral(thinned(rows), priors);
        System.out.printf(Locale.ROOT, "fitted on all after %.0f s%n", (System.nanoTime() - began) / 1e9);
        var only = System.getProperty("only", "");
        for (var left : tables.keySet()) {
            if (!only.isEmpty() && !left.startsWith(only)) {
                continue;
            }
            long before = System.nanoTime();
            var others = rows.stream().filter(row -> !row.source().equals(left)).toList();
            var fitted = fit(thinned(others), priors, all, FEW_TURNS).constants();
            leftOut.put(left, fitted);
            rows.stream()
                    .filter(row -> row.steps() == null && row.source().equals(left))
                    .forEach(row -> residuals.addAll(normalised(row, fitted)));
            report(left, fitted, rows, (System.nanoTime() - before) / 1e9);
        }
        for (var left : leftOut.entrySet()) {
            // Widths set on the other tables alone, so that the coverage of this one is not its own doing.
            var others = residuals.stream()
                    .filter(each -> !each.source().equals(left.getKey()))
                    .toList();
            var wide = spread(left.getValue(), others);
            var result = Cases.predict(left.getKey(), Files.readString(tables.get(left.getKey())), wide);
            Files.write(out.resolve("left-out").resolve(left.getKey() + ".csv"), result.lines());
        }
        if (only.isEmpty()) {
            var fitted = all;
            for (var source : tables.keySet()) {
                report(
                        "none, " + source,
                        fitted,
                        rows.stream().filter(r -> r.source().equals(source)).toList(),
                        0);
            }
            write(out.resolve("constants.properties"), spread(fitted, residuals), tables.keySet());
        }
    }

    /** A row's error under constants that never saw its table, in deviations. */
    private record Residual(String source, String kind, double size) {}

    private static List<Residual> normalised(Row row, Constants fitted) {
        var residuals = new ArrayList<Residual>();
        var off = residuals(row, fitted);
        for (int i = 0; i < off.length; i++) {
            if (Double.isFinite(off[i])) {
                residuals.add(new Residual(
                        row.source(),
                        Spread.kind(FITTED.get(i)),
                        Math.abs(off[i]) / Prediction.deviation(row.config(), fitted, FITTED.get(i))));
            }
        }
        return residuals;
    }

    /**
     * 90 % of the left-out rows lie inside; each table counts alike, and what was thought before any table was seen counts as half
     * of one: the next server may be unlike the few that are known. What a GPU's likeness is worth is in the deviations, so
     * that all bases share a factor; of a GPU known from its data sheet alone no table tells, and it gets half as much again.
     */
    private static Constants spread(Constants fitted, List<Residual> residuals) {
        var result = fitted;
        for (var kind : KINDS) {
            var of = residuals.stream()
                    .filter(each -> each.kind().equals(kind))
                    .collect(Collectors.groupingBy(Residual::source));
            double before = Constants.priors().get("spread.same." + kind);
            double factor = 0;
            while (inside(of, before, factor) < 0.9) {
                factor += 0.002;
            }
            System.out.printf(Locale.ROOT, "spread of %s %.2f (%d tables)%n", kind, factor, of.size());
            result = result.with("spread.same." + kind, factor)
                    .with("spread.similar." + kind, factor)
                    .with("spread.sheet." + kind, 1.5 * factor);
        }
        return result;
    }

    /** Mean share of the tables' rows that are off by less, the prior's too, of which 90 % are off by less than {@code before}. */
    private static double inside(Map<String, List<Residual>> tables, double before, double factor) {
        double sum = BELIEF
                * (1 - 2 * STANDARD.survivalProbability(factor / before * STANDARD.inverseSurvivalProbability(0.05)));
        for (var table : tables.values()) {
            sum += (double) table.stream().filter(row -> row.size() <= factor).count() / table.size();
        }
        return sum / (tables.size() + BELIEF);
    }

    private static String name(Path file) {
        return file.getFileName().toString().replace(".csv", "");
    }

    private static List<Row> rows(String source, String text) {
        var rows = new ArrayList<Row>();
        for (var cells : Cases.read(source, text)) {
            try {
                var config = Case.of(cells);
                var measured = new ArrayList<Double>();
                for (int i = 0; i < FITTED.size(); i++) {
                    var cell = cells.getOrDefault(FITTED.get(i), "");
                    boolean used = !cell.isEmpty() && Score.counts(cells, FITTED.get(i));
                    measured.add(used ? Double.parseDouble(cell) : Double.NaN);
                }
                rows.add(Row.of(source, config, null, List.copyOf(measured)));
            } catch (ConfigException e) {
                System.err.println(source + ": " + e.getMessage());
            }
        }
        // Some tables hold a row twice.
        return rows.stream().distinct().toList();
    }

    /** The steps recorded on the server of h100_vllm, in the folder beside the tables. */
    private static List<Row> steps(Path tables) {
        var text = Gzip.text(tables.resolveSibling("steps").resolve("h100_qwen3_8b_bf16.csv.gz"));
        var lines = StepTable.lines(text, "Qwen3-8B", "", EngineVersion.DEFAULT);
        var header = Csv.write(StepTable.COLUMNS) + "\n";
        return StepTable.windows(Csv.rows(header + String.join("\n", lines)), ServerSpec.parse("H100-SXM")).stream()
                .map(each -> Row.of(
                        "h100_vllm",
                        new Case(each.on(), 1, new Load(1, 1, 1, 0, 1), true),
                        each,
                        List.of(each.seconds(), Double.NaN, Double.NaN)))
                .toList();
    }

    /** No more than {@link #MOST} rows of a table, evenly over it. */
    private static List<Row> thinned(List<Row> rows) {
        var bySource = rows.stream().collect(Collectors.groupingBy(Row::group, TreeMap::new, Collectors.toList()));
        return bySource.values().stream()
                .flatMap(of -> IntStream.range(0, Math.min(MOST, of.size()))
                        .mapToObj(i -> of.get((int) ((long) i * of.size() / Math.min(MOST, of.size())))))
                .toList();
    }

    private static Constants withHosts(List<Row> rows) {
        var priors = Constants.priors();
        for (var host : rows.stream().map(Row::host).distinct().toList()) {
            priors = priors.with(host, 1, Spread.HOST);
        }
        return priors;
    }

    /** Constants, and how improbable they are. */
    private record Fitted(Constants constants, double cost) {}

    /**
     * What tables leave open between the CPU's time and the GPU's gives the fit more than one minimum: from the priors it goes
     * to one, from CPUs a deviation faster and slower to others, and the most probable is taken.
     */
    private static Constants fitFromSeveral(List<Row> rows, Constants priors) {
        return Stream.of(-Spread.HOST, 0.0, Spread.HOST)
                .map(off -> fit(rows, priors, priors.scaled("cpu.", Math.exp(off)), TURNS))
                .peek(each -> System.out.printf(Locale.ROOT, "fitted on all at a cost of %.2f%n", each.cost()))
                .min(Comparator.comparingDouble(Fitted::cost))
                .orElseThrow()
                .constants();
    }

    /** Each table counts as the square root of its rows, so that the large ones do not decide alone. */
    private static Fitted fit(List<Row> rows, Constants priors, Constants start, int turns) {
        var counts = new HashMap<String, Integer>();
        rows.forEach(row -> counts.merge(row.group(), 1, Integer::sum));
        var weights = new double[rows.size() * FITTED.size()];
        for (int i = 0; i < weights.length; i++) {
            var source = rows.get(i / FITTED.size()).source();
            double each = 3 / Math.sqrt(counts.get(rows.get(i / FITTED.size()).group()));
            boolean first = FITTED.get(i % FITTED.size()).startsWith("ttft");
            weights[i] = !first ? each : FIRST_TOKENS.contains(source) ? each / 4 : 0;
        }
        var names = priors.names().stream()
                .filter(name -> !name.startsWith(Calibration.MEMORY))
                .toList();
        var residuals = new Fit.Residuals() {
            @Override
            public double[] of(Constants constants) {
                return rows.parallelStream()
                        .flatMapToDouble(row -> Arrays.stream(onItsHost(row, constants)))
                        .toArray();
            }

            @Override
            public double[] moved(Constants constants, String name, double[] before) {
                var after = before.clone();
                for (int i = 0; i < rows.size(); i++) {
                    if (rows.get(i).names().contains(name)) {
                        System.arraycopy(onItsHost(rows.get(i), constants), 0, after, i * FITTED.size(), FITTED.size());
                    }
                }
                return after;
            }
        };
        var fitted = Fit.of(residuals, NOISE, weights, priors, start, names, turns);
        return new Fitted(fitted, Fit.cost(residuals.of(fitted), NOISE, weights, fitted, priors, names));
    }

    private static double[] onItsHost(Row row, Constants constants) {
        return residuals(row, constants.scaled("cpu.", constants.get(row.host())));
    }

    private static double[] residuals(Row row, Constants constants) {
        var figures = row.figures(constants);
        return IntStream.range(0, FITTED.size())
                .mapToDouble(i -> Math.log(figures[i] / row.measured().get(i)))
                .toArray();
    }

    private static void report(String left, Constants fitted, List<Row> rows, double seconds) {
        for (int i = 0; i < FITTED.size(); i++) {
            int column = i;
            var errors = rows.stream()
                    .filter(row -> row.steps() == null)
                    .filter(row -> left.endsWith(" " + row.source()) || left.equals(row.source()))
                    .mapToDouble(row -> Math.abs(Math.exp(residuals(row, fitted)[column]) - 1))
                    .filter(Double::isFinite)
                    .sorted()
                    .toArray();
            if (errors.length > 0) {
                System.out.printf(
                        Locale.ROOT,
                        "left out %-34s %-13s %4d rows  median %5.1f %%  P90 %5.1f %%  (%.0f s)%n",
                        left,
                        FITTED.get(i),
                        errors.length,
                        100 * errors[errors.length / 2],
                        100 * errors[(int) (errors.length * 0.9)],
                        seconds);
            }
        }
    }

    private static void write(Path file, Constants fitted, java.util.Collection<String> sources) throws IOException {
        var lines = new ArrayList<String>();
        lines.addAll(HEADER.lines().toList());
        lines.add("# Tables: " + String.join(", ", sources));
        var priors = Constants.priors();
        for (var name : priors.names()) {
            lines.add(String.format(
                    Locale.ROOT,
                    "%s=%.5g,%.3f",
                    name,
                    fitted.get(name),
                    Math.min(fitted.doubt(name), priors.doubt(name))));
        }
        for (var basis : Prediction.Basis.values()) {
            for (var kind : KINDS) {
                var name = "spread." + Spread.key(basis) + "." + kind;
                lines.add(String.format(Locale.ROOT, "%s=%.3f,0", name, fitted.get(name)));
            }
        }
        Files.write(file, lines);
    }
}
