package bestfit.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code bestfit help}: as {@code COMMAND --help}. picocli's own command of that name takes any flag in silence. */
@Command(
        name = "help",
        mixinStandardHelpOptions = true,
        footerHeading = Main.EXAMPLES,
        footer = "  bestfit help tune",
        description = "Shows what a command does and its flags; without one, the commands.")
public final class HelpCommand implements Callable<Integer> {
    @Parameters(paramLabel = "COMMAND", arity = "0..*", description = "Such as tune, or args explain.")
    private List<String> path = new ArrayList<>();

    @CommandLine.Spec
    private CommandLine.Model.@Nullable CommandSpec spec;

    @Override
    public Integer call() {
        if (spec == null) {
            throw new IllegalStateException("picocli sets the command's own description");
        }
        var shown = spec.root().commandLine();
        for (var name : path) {
            var next = shown.getSubcommands().get(name);
            if (next == null) {
                throw new CommandLine.ParameterException(shown, "Unknown command " + name + ".");
            }
            shown = next;
        }
        shown.usage(shown.getOut());
        return ExitCode.OK;
    }
}
