package bestfit.perf;

import bestfit.config.ConfigException;
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
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.NullUnmarked;

/**
 * Fits the constants on tables of measured servers, and says what to expect of a server that is in none of them: each
 * table is left out once, the constants fitted on the others, and its rows predicted. {@code bench/fit-perf DIR OUT}
 * writes {@code OUT/constants.properties} and, in {@code OUT/left-out/}, the predictions of each table by the constants that
 * never saw it.
 */
@NullUnmarked // tables and files that are missing should fail here
final class FitConstants {
    private static final double NOISE = 0.06;
    private static final int TURNS = 5;

    /** A fit's time grows with its rows; the large tables are dense grids whose neighbours say the same. */
    private static final int MOST = 70;

    /** TTFT of these tables says little: prefix-cache hits, batches that all start at once, or queues beyond capacity. */
    private static final List<String> NO_TTFT =
            List.of("pcie_4090_h100_vllm", "servers_4090_l40s_h200_vllm", "rtx_pro_4500_vllm", "a100_tp_pp_ep_trtllm");

    private static final List<String> FITTED = List.of("tpot_ms_mean", "output_tok_s", "ttft_ms_mean");

    private static final String HEADER = """
            # Written by bench/fit-perf on the measured tables: value, and standard deviation of its logarithm. Starting from priors.properties, each
            # constant moved only as far as rows ask for it: hopper.* by h100_vllm, datacenter_vllm, pcie_4090_h100_vllm and servers_4090_l40s_h200_vllm;
            # blackwell-dc.* by datacenter_vllm; ampere.* by a100_tp_pp_ep_trtllm; ada.* by the L40S rows and consumer.*, ar.host.2.* and ar.host.4.* by the
            # RTX 4090 rows of pcie_4090_h100_vllm and servers_4090_l40s_h200_vllm; blackwell.* by rtx_pro_4500_vllm; ar.NVLINK.* by datacenter_vllm and
            # a100_tp_pp_ep_trtllm; cpu.async* by h100_vllm, rtx_pro_4500_vllm and the newer rows of datacenter_vllm, cpu.sync* by the older and by
            # pcie_4090_h100_vllm; the others by all. No row asks for ar.PCIE*, ar.host.8.*, cpu.v0*, attention.v0Block and other.*: those are the priors.
            # No fit saw the gonka guide's table, but it was in view when ar.host.8.bus, attention.v0Block and cpu.v0FirstS were chosen.
            # spread.* hold 90 % of the rows whose table was left out.
            """;

    private record Row(String source, Case config, List<Double> measured, Set<String> names) {}

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
        var out = Path.of(args[1]);
        Files.createDirectories(out.resolve("left-out"));
        var residuals = new ArrayList<Residual>();
        var leftOut = new TreeMap<String, Constants>();
        var all = fit(thinned(rows), Constants.priors());
        System.out.printf(Locale.ROOT, "fitted on all after %.0f s%n", (System.nanoTime() - began) / 1e9);
        var only = System.getProperty("only", "");
        for (var left : tables.keySet()) {
            if (!only.isEmpty() && !left.startsWith(only)) {
                continue;
            }
            long before = System.nanoTime();
            var others = rows.stream().filter(row -> !row.source().equals(left)).toList();
            var fitted = fit(thinned(others), all);
            leftOut.put(left, fitted);
            rows.stream()
                    .filter(row -> row.source().equals(left))
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
    private record Residual(String source, String key, double size) {}

    private static List<Residual> normalised(Row row, Constants fitted) {
        var residuals = new ArrayList<Residual>();
        var off = residuals(row, fitted);
        for (int i = 0; i < off.length; i++) {
            if (Double.isFinite(off[i])) {
                var key = Spread.key(Prediction.Basis.of(row.config().instance().gpu())) + "."
                        + Spread.kind(FITTED.get(i));
                residuals.add(new Residual(
                        row.source(),
                        key,
                        Math.abs(off[i]) / Prediction.deviation(row.config(), fitted, FITTED.get(i))));
            }
        }
        return residuals;
    }

    /** 90 % of the left-out rows lie inside; each table counts as the square root of its rows. */
    private static Constants spread(Constants fitted, List<Residual> residuals) {
        var result = fitted;
        for (var key : residuals.stream().map(Residual::key).distinct().toList()) {
            var of = residuals.stream()
                    .filter(each -> each.key().equals(key))
                    .sorted(Comparator.comparingDouble(Residual::size))
                    .toList();
            var counts = new HashMap<String, Integer>();
            of.forEach(each -> counts.merge(each.source(), 1, Integer::sum));
            double all = of.stream()
                    .mapToDouble(each -> 1 / Math.sqrt(counts.get(each.source())))
                    .sum();
            double sum = 0;
            for (var each : of) {
                sum += 1 / Math.sqrt(counts.get(each.source()));
                if (sum >= 0.9 * all) {
                    result = result.with("spread." + key, Math.max(1.3, each.size()));
                    break;
                }
            }
            System.out.printf(Locale.ROOT, "spread.%s %.2f (%d rows)%n", key, result.get("spread." + key), of.size());
        }
        for (var kind : List.of("ttft", "time", "rate")) {
            double similar = Math.max(result.get("spread.similar." + kind), result.get("spread.same." + kind));
            result = result.with("spread.similar." + kind, similar).with("spread.sheet." + kind, 2 * similar);
        }
        return result;
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
                    boolean used = !cell.isEmpty() && !(FITTED.get(i).startsWith("ttft") && NO_TTFT.contains(source));
                    measured.add(used ? Double.parseDouble(cell) : Double.NaN);
                }
                var names = new HashSet<String>();
                Prediction.values(config, Constants.priors().noting(names));
                rows.add(new Row(source, config, List.copyOf(measured), names));
            } catch (ConfigException e) {
                System.err.println(source + ": " + e.getMessage());
            }
        }
        // Some tables hold a row twice.
        return rows.stream().distinct().toList();
    }

    /** No more than {@link #MOST} rows of a table, evenly over it. */
    private static List<Row> thinned(List<Row> rows) {
        var bySource = rows.stream().collect(Collectors.groupingBy(Row::source, TreeMap::new, Collectors.toList()));
        return bySource.values().stream()
                .flatMap(of -> IntStream.range(0, Math.min(MOST, of.size()))
                        .mapToObj(i -> of.get((int) ((long) i * of.size() / Math.min(MOST, of.size())))))
                .toList();
    }

    /** Each table counts as the square root of its rows, so that the large ones do not decide alone. */
    private static Constants fit(List<Row> rows, Constants start) {
        var counts = new HashMap<String, Integer>();
        rows.forEach(row -> counts.merge(row.source(), 1, Integer::sum));
        var weights = new double[rows.size() * FITTED.size()];
        for (int i = 0; i < weights.length; i++) {
            double each = 3 / Math.sqrt(counts.get(rows.get(i / FITTED.size()).source()));
            weights[i] = FITTED.get(i % FITTED.size()).startsWith("ttft") ? each / 4 : each;
        }
        return Fit.of(
                new Fit.Residuals() {
                    @Override
                    public double[] of(Constants constants) {
                        return residuals(rows, constants);
                    }

                    @Override
                    public double[] moved(Constants constants, String name, double[] before) {
                        var after = before.clone();
                        for (int i = 0; i < rows.size(); i++) {
                            if (rows.get(i).names().contains(name)) {
                                System.arraycopy(
                                        residuals(rows.get(i), constants), 0, after, i * FITTED.size(), FITTED.size());
                            }
                        }
                        return after;
                    }
                },
                NOISE,
                weights,
                Constants.priors(),
                start,
                Constants.priors().names().stream()
                        .filter(name -> !name.startsWith(Calibration.MEMORY))
                        .toList(),
                TURNS);
    }

    private static double[] residuals(List<Row> rows, Constants constants) {
        return rows.stream()
                .flatMapToDouble(row -> Arrays.stream(residuals(row, constants)))
                .toArray();
    }

    private static double[] residuals(Row row, Constants constants) {
        var figures = Prediction.values(row.config(), constants);
        return IntStream.range(0, FITTED.size())
                .mapToDouble(i -> Math.log(figures.getOrDefault(FITTED.get(i), Double.NaN)
                        / row.measured().get(i)))
                .toArray();
    }

    private static void report(String left, Constants fitted, List<Row> rows, double seconds) {
        for (int i = 0; i < FITTED.size(); i++) {
            int column = i;
            var errors = rows.stream()
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
        for (var name : fitted.names()) {
            lines.add(String.format(
                    Locale.ROOT,
                    "%s=%.5g,%.3f",
                    name,
                    fitted.get(name),
                    Math.min(fitted.doubt(name), priors.doubt(name))));
        }
        for (var basis : Prediction.Basis.values()) {
            for (var kind : List.of("ttft", "time", "rate")) {
                var name = "spread." + Spread.key(basis) + "." + kind;
                lines.add(String.format(Locale.ROOT, "%s=%.3f,0", name, fitted.get(name)));
            }
        }
        Files.write(file, lines);
    }
}
