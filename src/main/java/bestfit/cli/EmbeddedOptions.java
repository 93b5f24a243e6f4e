package bestfit.cli;

import bestfit.config.ConfigException;
import bestfit.config.Problems;
import bestfit.engine.ArgumentError;
import bestfit.engine.Fault;
import bestfit.engine.Simulation;
import java.util.Objects;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** How embedded engines behave, for those who start them. */
final class EmbeddedOptions {
    @Option(
            names = "--fault",
            paramLabel = "SPEC",
            description = "Fault that embedded engines show: [LAYOUT:]KIND[:N],… such as tp=2:exit.")
    @Nullable
    String fault;

    @Option(
            names = "--simulate",
            paramLabel = "SERVER",
            description =
                    "GPUs that embedded engines simulate, such as 8x4070tis or a server's YAML file; every result "
                            + "is then marked simulated.")
    @Nullable
    String simulate;

    @Option(names = "--time-scale", paramLabel = "X", description = "Simulated seconds that pass in one (1).")
    @Nullable
    private String timeScale;

    /** @param without why none of these can be given, such as {@code vLLM}; null if they can */
    void check(Problems problems, @Nullable String without) {
        refuse(problems, "--fault", fault, without);
        refuse(problems, "--simulate", simulate, without);
        if (simulate == null && timeScale != null) {
            problems.add("--time-scale " + timeScale + " belongs to --simulate; give the GPUs to simulate too");
        }
        try {
            if (fault != null) {
                Fault.check(fault);
            }
            if (simulate != null) {
                Simulation.check(simulate, timeScale());
            }
        } catch (ConfigException wrong) {
            problems.addAll(wrong);
        }
    }

    private static void refuse(Problems problems, String flag, @Nullable String value, @Nullable String without) {
        if (value != null && without != null) {
            problems.add(
                    flag + " " + value + " is for embedded engines, not for " + without + "; leave one of them out");
        }
    }

    /** Devices of the simulated server; empty without one. To be called after {@link #check}. */
    OptionalInt devices() {
        try {
            return simulate == null ? OptionalInt.empty() : OptionalInt.of(Simulation.devices(simulate, timeScale()));
        } catch (ArgumentError refused) {
            throw new ConfigException(String.valueOf(refused.getMessage()));
        }
    }

    /** As a flag takes it. */
    String timeScale() {
        return Objects.requireNonNullElse(timeScale, "1");
    }
}
