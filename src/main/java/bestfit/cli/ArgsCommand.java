package bestfit.cli;

import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code bestfit args}: what is known of vLLM's args. */
@Command(
        name = "args",
        mixinStandardHelpOptions = true,
        description = "Tells what is known of vLLM's args.",
        subcommands = {ArgsExplainCommand.class, CommandLine.HelpCommand.class})
public final class ArgsCommand implements Runnable {
    @Spec
    private @Nullable CommandSpec spec;

    @Override
    public void run() {
        if (spec != null) {
            throw new ParameterException(spec.commandLine(), "args: missing command; it is: args explain FLAG...");
        }
    }
}
