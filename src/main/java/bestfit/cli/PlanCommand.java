package bestfit.cli;

import bestfit.config.Problems;
import bestfit.hardware.Device;
import bestfit.hardware.Inventory;
import bestfit.hardware.SmiInventory;
import bestfit.report.PlanReport;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code bestfit plan}: what can run on a server, and why the rest cannot. */
@Command(
        name = "plan",
        mixinStandardHelpOptions = true,
        description = "Lists the configs that can run on a server, and what is left out with its reason.")
public final class PlanCommand implements Callable<Integer> {
    @Mixin
    private final SpaceOptions space = new SpaceOptions();

    @Option(
            names = "--no-predict",
            required = true,
            description = "Enumerate only; predictions are not part of this version.")
    private boolean enumerateOnly;

    @Option(names = "--server", defaultValue = "here", description = "here: this machine (${DEFAULT-VALUE}).")
    private String server = "here";

    @Option(names = "--json", description = "Print one JSON object.")
    private boolean json;

    @Override
    public Integer call() {
        var problems = new Problems();
        space.check(problems);
        if (!server.equals("here")) {
            problems.add("--server " + server + ": only here is known; give the number of devices with --devices");
        }
        problems.throwIfAny();
        var found = space.findModel();
        var inventory = inventory(System.getenv());
        var enumerated = space.space(found, inventory, inventory.kind() == Device.Kind.CORE);
        if (json) {
            System.out.println(PlanReport.json(enumerated));
        } else {
            PlanReport.text(enumerated).forEach(System.out::println);
        }
        return ExitCode.OK;
    }

    /** GPUs of this machine where there are any, else cores; {@code --devices} overrides the number. */
    private Inventory inventory(Map<String, String> environment) {
        var gpus = SmiInventory.gpus(environment);
        if (gpus.isEmpty()) {
            int cores = Inventory.defaultCores(Runtime.getRuntime().availableProcessors());
            return Inventory.cores(space.devices == null ? cores : space.devices);
        }
        return new Inventory(gpus, 0).resized(space.devices == null ? gpus.size() : space.devices);
    }
}
