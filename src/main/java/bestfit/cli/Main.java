package bestfit.cli;

import bestfit.config.ConfigException;
import bestfit.config.Nearest;
import bestfit.report.Wrapped;
import bestfit.store.StoreException;
import java.io.BufferedOutputStream;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.MissingParameterException;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/** The program: the root command, and the one place where an exception becomes a message and an exit code. */
@Command(
        name = "bestfit",
        mixinStandardHelpOptions = true,
        versionProvider = VersionCommand.class,
        synopsisSubcommandLabel = "COMMAND",
        description = "Finds the vLLM deployment configuration that fits a GPU server best, and proves it.",
        footer = {
            "",
            "bestfit help COMMAND shows a command's flags. Without a GPU, start with: bestfit tune",
            "In a checkout the launcher also knows: bestfit test [--quick], bestfit pack"
        })
public final class Main implements Runnable {
    /** Heads the examples at the end of a command's help. */
    static final String EXAMPLES = "%nExamples:%n";

    private static final int NARROWEST = 55; // picocli's own least

    private static final List<Class<?>> COMMANDS = List.of(
            EngineCommand.class,
            TuneCommand.class,
            PlanCommand.class,
            NodeCommand.class,
            ArgsCommand.class,
            BenchCommand.class,
            CompareCommand.class,
            JudgeCommand.class,
            RecordCommand.class,
            MeasureCommand.class,
            MeasureFromYamlCommand.class,
            StressCommand.class,
            ListCommand.class,
            ReportCommand.class,
            CheckBalancesCommand.class,
            DoctorCommand.class,
            AdminCommand.class,
            VersionCommand.class,
            HelpCommand.class);

    /** Commands of a command, with as many flags as it has: described where the arguments name one, or may ask for help. */
    private static final Map<Class<?>, List<Class<?>>> SUBCOMMANDS =
            Map.of(BenchCommand.class, List.of(BenchSweepCommand.class, BenchSearchCommand.class));

    private static final Pattern HELP = Pattern.compile("--help|-[a-zA-Z]*h[a-zA-Z]*");

    @CommandLine.Spec
    private CommandLine.Model.@Nullable CommandSpec spec;

    public static void main(String[] args) {
        System.setOut(beyondAscii(System.out, FileDescriptor.out));
        System.setErr(beyondAscii(System.err, FileDescriptor.err));
        int code = run(args);
        // A stream that printed into a full disk or a closed pipe says so only when asked.
        if (System.out.checkError() && code == ExitCode.OK) {
            code = ExitCode.FAILED;
            if (!isPipe(Path.of("/proc/self/fd/1"))) { // head has read what it wanted
                System.err.println(
                        "bestfit: the result could not be written to standard output: it is closed, or its disk is full.");
            }
        }
        System.exit(code);
    }

    /** Without a locale, as in containers, Java prints ASCII and question marks for the rest; UTF-8 there, as Python does. */
    private static PrintStream beyondAscii(PrintStream given, FileDescriptor descriptor) {
        return given.charset().equals(StandardCharsets.US_ASCII)
                ? new PrintStream(
                        new BufferedOutputStream(new FileOutputStream(descriptor)), true, StandardCharsets.UTF_8)
                : given;
    }

    private static boolean isPipe(Path descriptor) {
        try {
            return Files.readSymbolicLink(descriptor).toString().startsWith("pipe:");
        } catch (IOException closed) {
            return false;
        }
    }

    /** Runs one command line on the process's own streams and returns its {@link ExitCode}. */
    public static int run(String... args) {
        var command = commandLine(args);
        try {
            return command.execute(args);
        } catch (Throwable unexpected) { // picocli hands only exceptions to its handler, not errors
            return report(unexpected, command.getErr());
        }
    }

    /**
     * The command line model: of the one command that the arguments name, or of all where they name none or {@code help},
     * since describing all of them to the parser takes longer than most of them run.
     */
    public static CommandLine commandLine(String... args) {
        var line = new CommandLine(new Main());
        for (var each : commands(args)) {
            var command = new CommandLine(each);
            subcommands(each, args).forEach(command::addSubcommand);
            line.addSubcommand(command);
        }
        return line.setColorScheme(CommandLine.Help.defaultColorScheme(
                        TerminalStreams.isStyled(TerminalStreams.OUTPUT, System.getenv())
                                ? CommandLine.Help.Ansi.ON
                                : CommandLine.Help.Ansi.OFF))
                .setHelpFactory((spec, colors) -> {
                    spec.usageMessage()
                            .width(Math.clamp(
                                    TerminalStreams.columns(TerminalStreams.OUTPUT, System.getenv()),
                                    NARROWEST,
                                    Wrapped.WIDTH));
                    return new CommandLine.Help(spec, colors);
                })
                .setParameterExceptionHandler(Main::badArguments)
                .setExecutionExceptionHandler((failure, command, _) -> report(failure, command.getErr()));
    }

    private static List<Class<?>> commands(String[] args) {
        if (args.length == 0 || args[0].equals("help")) {
            return COMMANDS;
        }
        var named = COMMANDS.stream().filter(each -> name(each).equals(args[0])).toList();
        return named.isEmpty() ? COMMANDS : named;
    }

    private static List<Class<?>> subcommands(Class<?> command, String[] args) {
        var all = SUBCOMMANDS.getOrDefault(command, List.of());
        var names = all.stream().map(Main::name).collect(Collectors.toSet());
        boolean wanted = args.length == 0
                || !args[0].equals(name(command))
                || Stream.of(args)
                        .anyMatch(each ->
                                names.contains(each) || HELP.matcher(each).matches());
        return wanted ? all : List.of();
    }

    private static String name(Class<?> command) {
        return command.getAnnotation(Command.class).name();
    }

    /** Without a command. */
    @Override
    public void run() {
        if (spec != null) {
            throw new ParameterException(spec.commandLine(), "A command is missing.");
        }
    }

    private static int badArguments(ParameterException problem, String[] args) {
        var command = problem.getCommandLine();
        var err = command.getErr();
        err.println("bestfit: " + message(problem));
        var similar = similar(problem);
        if (!similar.isEmpty()) {
            err.println("Did you mean: " + String.join(", ", similar) + "?");
        }
        if (command.getParent() == null) {
            Wrapped.lines("Commands: " + names(command) + ".", "  ").forEach(err::println);
            err.println("bestfit help says what each does. Without a GPU, start with: bestfit tune");
        } else {
            err.println("Flags: " + command.getCommandSpec().qualifiedName() + " --help");
        }
        return ExitCode.BAD_INPUT;
    }

    private static String names(CommandLine command) {
        return command.getSubcommands().entrySet().stream()
                .filter(each -> !each.getValue().getCommandSpec().usageMessage().hidden())
                .map(Map.Entry::getKey)
                .sorted()
                .collect(Collectors.joining(", "));
    }

    private static List<String> similar(ParameterException problem) {
        if (!(problem instanceof UnmatchedArgumentException unmatched)) {
            return List.of();
        }
        var command = problem.getCommandLine();
        return command.getParent() == null
                ? Nearest.to(
                                unmatched.getUnmatched().getFirst(),
                                command.getSubcommands().keySet())
                        .stream()
                        .toList()
                : unmatched.getSuggestions();
    }

    /** Picocli names Java's types. */
    private static final Pattern NO_NUMBER = Pattern.compile(" is not an? (int|long)$");

    private static String message(ParameterException problem) {
        if (problem instanceof UnmatchedArgumentException unmatched
                && problem.getCommandLine().getParent() == null) {
            return "Unknown command " + unmatched.getUnmatched().getFirst() + ".";
        }
        if (problem instanceof UnmatchedArgumentException unmatched) {
            // the value of an unknown flag is no mistake of its own
            var all = unmatched.getUnmatched();
            var flags = all.stream().filter(each -> each.startsWith("-")).toList();
            return "Unknown: " + String.join(", ", flags.isEmpty() ? all : flags);
        }
        // picocli counts what is missing before it looks at what it does not know, which is often the reason
        var unknown = problem instanceof MissingParameterException
                ? problem.getCommandLine().getUnmatchedArguments()
                : List.<String>of();
        return NO_NUMBER
                        .matcher(String.valueOf(problem.getMessage()))
                        .replaceFirst(" is not a whole number, or too large")
                + (unknown.isEmpty() ? "" : "; unknown: " + String.join(", ", unknown));
    }

    private static int report(Throwable failure, PrintWriter err) {
        if (System.getenv("BESTFIT_DEBUG") != null) {
            err.println(stackTrace(failure));
        }
        if (failure instanceof ConfigException config) {
            config.problems().forEach(problem -> err.println("bestfit: " + problem));
            return ExitCode.BAD_INPUT;
        }
        if (failure instanceof StoreException) {
            err.println("bestfit: " + failure.getMessage());
            return ExitCode.FAILED;
        }
        if (failure instanceof IOException || failure instanceof UncheckedIOException) {
            err.println("bestfit: " + message(failure));
            return ExitCode.FAILED;
        }
        err.println("bestfit: a defect of bestfit: " + failure.getClass().getName() + ": " + failure.getMessage());
        err.println("Set BESTFIT_DEBUG=1 and run the command again to see where.");
        return ExitCode.INTERNAL;
    }

    /** The outermost that says something of its own: whoever wrapped a cause knew more of what was being done. */
    private static String message(Throwable failure) {
        Throwable told = failure;
        for (var cause = told.getCause(); cause != null && addsNothing(told, cause); cause = told.getCause()) {
            told = cause;
        }
        var message = told.getMessage();
        if (message == null) {
            return told.getClass().getSimpleName();
        }
        // NoSuchFileException and its like often carry only the file's name.
        boolean bare = told instanceof FileSystemException file && file.getReason() == null;
        return bare ? told.getClass().getSimpleName() + ": " + message : message;
    }

    private static boolean addsNothing(Throwable told, Throwable cause) {
        return told.getMessage() == null || told.getMessage().equals(cause.toString());
    }

    private static String stackTrace(Throwable failure) {
        return failure
                + System.lineSeparator()
                + Arrays.stream(failure.getStackTrace())
                        .map(frame -> "\tat " + frame)
                        .collect(Collectors.joining(System.lineSeparator()))
                + (failure.getCause() == null ? "" : System.lineSeparator() + stackTrace(failure.getCause()));
    }
}
