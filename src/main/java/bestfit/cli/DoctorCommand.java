package bestfit.cli;

import bestfit.args.ArgsText;
import bestfit.config.Json;
import bestfit.deploy.ConfigDoctor;
import bestfit.deploy.Finding;
import bestfit.deploy.MachineDoctor;
import bestfit.deploy.NodeConfig;
import bestfit.deploy.NodeDoctor;
import bestfit.hardware.GpuSource;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code bestfit doctor}: what is wrong with a node or its configuration, each with its fix. */
@Command(
        name = "doctor",
        mixinStandardHelpOptions = true,
        footerHeading = Main.EXAMPLES,
        footer = "  bestfit doctor --node http://10.0.0.21:8080 node-config.json",
        description = "Looks at this machine, a node and its node-config.json; reads only, deploys nothing.")
public final class DoctorCommand implements Callable<Integer> {
    @Parameters(
            index = "0",
            arity = "0..1",
            paramLabel = "node-config.json",
            description = "The network node's list of nodes.")
    private @Nullable Path file;

    @Mixin
    private final NodeAddressOptions address = new NodeAddressOptions();

    @Option(
            names = "--chain-args",
            paramLabel = "ARGS",
            description = "The network's mandatory args of the models in the file (those bundled for known models).")
    private @Nullable String chainArgs;

    @Option(
            names = "--gpus",
            paramLabel = "N",
            description = "GPUs of the server (as the node, the file or this machine tells).")
    private @Nullable Integer gpus;

    @Option(names = "--json", description = "Print one JSON object instead of lines.")
    private boolean json;

    @Override
    public Integer call() throws IOException, InterruptedException {
        long start = System.nanoTime();
        var looked = new ArrayList<String>();
        var found = new ArrayList<Finding>();
        var chain = Optional.ofNullable(chainArgs).map(text -> ArgsText.read("--chain-args", text));
        var nodes = file == null ? List.<NodeConfig>of() : NodeConfig.ofFile(file);
        var reading = GpuSource.readHere(System.getenv());
        looked.add("this machine");
        found.addAll(MachineDoctor.here(reading).look());
        var counted = gpus != null ? OptionalInt.of(gpus) : OptionalInt.empty();
        var node = address.address();
        if (node.isPresent()) {
            looked.add(node.get().management());
            var seen = new NodeDoctor(node.get()).look();
            found.addAll(seen.findings());
            counted = counted.isPresent() ? counted : seen.gpus();
        }
        if (counted.isEmpty() && !reading.devices().isEmpty()) {
            counted = OptionalInt.of(reading.devices().size());
        }
        for (var each : nodes) {
            looked.add(each.id());
            found.addAll(new ConfigDoctor(chain, counted.isPresent() ? counted : hardware(each)).check(each));
        }
        report(looked, new ArrayList<>(new LinkedHashSet<>(found)), (System.nanoTime() - start) / 1e9);
        return found.stream().anyMatch(each -> each.level() == Finding.Level.PROBLEM) ? ExitCode.FAILED : ExitCode.OK;
    }

    /** What the file itself says of the server. */
    private static OptionalInt hardware(NodeConfig config) {
        int count = 0;
        for (var each : config.json().path("hardware")) {
            count += each.path("count").asInt(0);
        }
        return count > 0 ? OptionalInt.of(count) : OptionalInt.empty();
    }

    private void report(List<String> looked, List<Finding> found, double seconds) {
        found.sort(Comparator.comparing(Finding::level));
        if (json) {
            var body = Json.object();
            var where = body.putArray("looked_at");
            looked.forEach(where::add);
            var list = body.putArray("findings");
            found.forEach(each -> list.add(each.toJson()));
            System.out.println(Json.write(body.put("wall_s", seconds)));
            return;
        }
        for (var each : found) {
            System.out.println(each.level().name().toLowerCase(Locale.ROOT) + "  " + each.check() + "  "
                    + each.subject() + ": " + each.what());
            if (!each.fix().isEmpty()) {
                System.out.println("         fix: " + each.fix());
            }
        }
        long problems = found.stream()
                .filter(each -> each.level() == Finding.Level.PROBLEM)
                .count();
        System.out.println("Looked at " + String.join(", ", looked) + ": " + problems
                + (problems == 1 ? " problem, " : " problems, ")
                + found.stream()
                        .filter(each -> each.level() == Finding.Level.WARNING)
                        .count()
                + " warnings.");
    }
}
