package bestfit.cli;

import bestfit.args.ArgCatalogue;
import bestfit.args.ArgsText;
import bestfit.args.VllmArgs;
import bestfit.config.Problems;
import bestfit.hardware.Inventory;
import bestfit.model.Dtype;
import bestfit.model.Model;
import bestfit.model.Models;
import bestfit.tune.ModelShape;
import bestfit.tune.SearchSpace;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Flags of a search space, shared by {@code tune} and {@code plan}. */
final class SpaceOptions {
    private static final int MOST_DEVICES = 1024;
    private static final int MOST_USERS = 10_000;

    @Option(
            names = "--model",
            paramLabel = "M",
            description = "Directory with a config.json, or the name of a bundled model or of the embedded one (tiny).")
    @Nullable
    String model;

    @Option(
            names = "--devices",
            paramLabel = "N",
            description =
                    "Devices to spread instances over (GPUs found, those of CUDA_VISIBLE_DEVICES where it is set; else 2 to 4 cores).")
    @Nullable
    Integer devices;

    @Option(
            names = "--dtype",
            paramLabel = "D",
            defaultValue = "auto",
            description = "As vLLM's --dtype (${DEFAULT-VALUE}).")
    String dtype = "auto";

    @Option(
            names = "--args",
            paramLabel = "ARGS",
            defaultValue = "",
            description =
                    "Mandatory vLLM args: a JSON array, or one string with shell quoting; they are in every config.")
    String args = "";

    @Option(
            names = "--users",
            paramLabel = "N",
            defaultValue = "4",
            description = "Requests in flight at most (${DEFAULT-VALUE}).")
    int users;

    void check(Problems problems) {
        if (!dtype.equals("auto") && Dtype.parse(dtype).isEmpty()) {
            problems.add("--dtype " + dtype + " is not known; allowed: auto, " + Dtype.SPELLINGS);
        }
        if (devices != null) {
            problems.requireRange("--devices", devices, 1, MOST_DEVICES);
        }
        problems.requireRange("--users", users, 1, MOST_USERS);
    }

    Model findModel() {
        return Models.find(model == null ? Models.TINY : model);
    }

    VllmArgs mandatory() {
        return ArgsText.read("--args", args);
    }

    /** A flag that vLLM may know and bestfit does not: said before the first deployment, and passed on unchanged. */
    void warnOfUnknownArgs() {
        mandatory().given().stream()
                .map(VllmArgs.Given::flag)
                .filter(flag -> ArgCatalogue.find(flag).isEmpty())
                .forEach(flag -> System.err.println("bestfit: --args: " + ArgsExplainCommand.unknown(flag)
                        + " It is passed on unchanged; an engine that does not know it refuses to start."));
    }

    SearchSpace space(Model found, Inventory inventory, boolean embedded) {
        return SearchSpace.enumerate(
                new SearchSpace.Query(ModelShape.of(found, dtype), dtype, inventory, users, mandatory(), embedded));
    }
}
