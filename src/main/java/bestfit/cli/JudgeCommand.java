package bestfit.cli;

import bestfit.config.ConfigException;
import bestfit.config.Home;
import bestfit.config.Json;
import bestfit.config.Problems;
import bestfit.config.Spans;
import bestfit.load.ToolRun;
import bestfit.load.TruthServer;
import bestfit.node.ChildEnvironment;
import bestfit.report.JudgeReport;
import bestfit.report.ResultFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code bestfit judge}: how wrong a load generator is, and what it costs, beside ours. */
@Command(
        name = "judge",
        mixinStandardHelpOptions = true,
        description = {
            "Runs a load generator against a server that knows when it wrote every event, and prints the tool's error and its"
                    + " CPU time an event beside those of bestfit bench.",
            "In CMD these are replaced: {url} {model} {streams} {requests} {tokens} {dir}. Its result is --report, or what it"
                    + " leaves in {dir}, or what it prints."
        })
public final class JudgeCommand implements Callable<Integer> {
    private static final double LONGEST_SECONDS = 86_400;
    private static final int MOST = 1_000_000;

    @Parameters(paramLabel = "CMD", arity = "0..*", description = "The load generator and its arguments, after --.")
    private List<String> command = new ArrayList<>();

    @Option(names = "--streams", paramLabel = "N", description = "Requests at a time (default: ${DEFAULT-VALUE}).")
    private int streams = 32;

    @Option(names = "--requests", paramLabel = "N", description = "Requests in all (default: twice the streams).")
    private int requests;

    @Option(names = "--tokens", paramLabel = "N", description = "Of each answer (default: ${DEFAULT-VALUE}).")
    private int tokens = 128;

    @Option(names = "--ttft", paramLabel = "MS", description = "Until the first token (default: ${DEFAULT-VALUE}).")
    private double ttftMillis = 50;

    @Option(names = "--tpot", paramLabel = "MS", description = "From token to token (default: ${DEFAULT-VALUE}).")
    private double tpotMillis = 20;

    @Option(
            names = "--noise",
            paramLabel = "SD",
            description = "Each request's times get a random factor of this log deviation (default: none).")
    private double noise;

    @Option(names = "--seed", paramLabel = "S", description = "Of the noise (default: ${DEFAULT-VALUE}).")
    private long seed = 42;

    @Option(names = "--report", paramLabel = "FILE", description = "Where the tool writes its result.")
    @Nullable
    private String report;

    @Option(names = "--name", paramLabel = "NAME", description = "Of the tool in the table (default: its program).")
    @Nullable
    private String name;

    @Option(
            names = "--limit",
            paramLabel = "5m",
            description = "A tool that takes longer is ended (default: ${DEFAULT-VALUE}).")
    private String limit = "5m";

    @Option(names = "--only", description = "Leave bestfit bench out.")
    private boolean only;

    @Option(names = "--serve", description = "Run no tool: print the server's URL and serve until standard input ends.")
    private boolean serve;

    @Option(names = "--port", paramLabel = "P", description = "Of the server (default: a free one).")
    private int port;

    @Option(names = "--json", description = "Print one JSON object instead of a table.")
    private boolean json;

    private Duration longest = Duration.ZERO;

    @Override
    public Integer call() throws IOException, InterruptedException {
        var problems = new Problems();
        if (requests == 0) {
            requests = 2 * streams;
        }
        problems.requireRange("--streams", streams, 1, MOST);
        problems.requireRange("--requests", requests, 1, MOST);
        problems.requireRange("--tokens", tokens, 1, MOST);
        if (!(ttftMillis >= 0 && tpotMillis >= 0 && noise >= 0 && noise <= 2)) {
            problems.add("--ttft and --tpot take milliseconds from 0, --noise a number from 0 to 2.");
        }
        try {
            longest = Spans.parse(limit, LONGEST_SECONDS);
        } catch (ConfigException wrong) {
            problems.add("--limit: " + wrong.getMessage());
        }
        if (serve != command.isEmpty()) {
            problems.add("Give either --serve or, after --, the command of a load generator.");
        }
        problems.throwIfAny();
        var pace = new TruthServer.Pace((long) (ttftMillis * 1e6), (long) (tpotMillis * 1e6), noise, seed);
        try (var server = TruthServer.start(port, pace)) {
            warm(server);
            if (serve) {
                System.out.println(Json.write(Json.object().put("url", server.url())));
                System.out.flush();
                System.in.transferTo(java.io.OutputStream.nullOutputStream());
                return ExitCode.OK;
            }
            return judge(server);
        }
    }

    private int judge(TruthServer server) throws IOException, InterruptedException {
        var tools = new ArrayList<JudgeReport>();
        var program = Path.of(command.getFirst()).getFileName();
        tools.add(run(server, name != null ? name : program == null ? "tool" : program.toString(), command, report));
        if (!only) {
            tools.add(run(server, "bestfit bench", ours(), null));
        }
        if (json) {
            var all = Json.object()
                    .put("streams", streams)
                    .put("requests", requests)
                    .put("tokens", tokens);
            var list = all.putArray("tools");
            tools.forEach(tool -> list.add(tool.json()));
            System.out.println(Json.write(all));
        } else {
            System.out.println(JudgeReport.text(tools));
        }
        var judged = tools.getFirst();
        return judged.reported() == null || judged.truth().isEmpty() ? ExitCode.FAILED : ExitCode.OK;
    }

    private static List<String> ours() {
        return OwnProcess.command(List.of(
                "bench",
                "{url}",
                "--model",
                "{model}",
                "--concurrency",
                "{streams}",
                "--requests",
                "{requests}",
                "--prompt-tokens",
                "64",
                "--output-tokens",
                "{tokens}",
                "--json"));
    }

    /** So that the server's own compilation is no part of what is judged, nor takes a core from who measures on it. */
    private void warm(TruthServer server) throws IOException, InterruptedException {
        var folder = Files.createTempDirectory("bestfit-judge");
        tool(server, ours(), folder, Math.min(streams, 64), 2 * Math.min(streams, 64));
        delete(folder);
        server.takeLog();
    }

    private JudgeReport run(TruthServer server, String called, List<String> words, @Nullable String wroteTo)
            throws IOException, InterruptedException {
        double startup = Double.NaN;
        var folder = Files.createTempDirectory("bestfit-judge");
        if (words.stream().anyMatch(word -> word.contains("{requests}"))) {
            System.err.println("bestfit: " + called + ": one request");
            startup = tool(server, words, folder, 1, 1).cpuSeconds();
            delete(folder);
            folder = Files.createTempDirectory("bestfit-judge");
        }
        server.takeLog();
        System.err.println("bestfit: " + called + ": " + requests + " requests, " + streams + " at a time");
        var ran = tool(server, words, folder, streams, requests);
        var truth = server.takeLog();
        var reported = reported(wroteTo == null ? null : replaced(wroteTo, server, folder, streams, requests), folder);
        if (truth.isEmpty()) {
            System.err.println("bestfit: " + called
                    + " sent no request that was answered; in CMD, {url} stands for the server's address");
        }
        if (reported == null || ran.exit() != 0) {
            System.err.println("bestfit: " + called
                    + (ran.exit() < 0 ? " was ended after --limit " + limit : " ended with " + ran.exit())
                    + (reported == null
                            ? " and left no result that is known; its output is in "
                            : "; its output is in ")
                    + folder);
        } else {
            delete(folder);
        }
        return new JudgeReport(called, ran, startup, truth, reported);
    }

    private ToolRun tool(TruthServer server, List<String> words, Path folder, int atOnce, int inAll)
            throws IOException, InterruptedException {
        var replaced = new ArrayList<String>();
        for (var word : words) {
            replaced.add(replaced(word, server, folder, atOnce, inAll));
        }
        try {
            return ToolRun.of(replaced, folder, ChildEnvironment.of(System.getenv()), longest);
        } catch (IOException e) {
            delete(folder);
            throw new ConfigException("CMD: " + replaced.getFirst() + " cannot be started (" + e.getMessage()
                    + "); it takes a program on PATH or its file.");
        }
    }

    private String replaced(String word, TruthServer server, Path folder, int atOnce, int inAll) throws IOException {
        return word.replace("{url}", server.url())
                .replace("{model}", TruthServer.MODEL)
                .replace("{streams}", Integer.toString(atOnce))
                .replace("{requests}", Integer.toString(inAll))
                .replace("{tokens}", Integer.toString(tokens))
                .replace("{dir}", folder.toString());
    }

    /** The named file, or the first of those it left that is a result; its output is one of them. */
    private static @Nullable ResultFile reported(@Nullable String named, Path folder) throws IOException {
        List<Path> candidates;
        try (var files = Files.walk(folder)) {
            candidates = named != null
                    ? List.of(Path.of(named))
                    : files.filter(Files::isRegularFile)
                            .sorted(Comparator.comparing((Path file) -> file.endsWith("out.txt")))
                            .toList();
        }
        for (var candidate : candidates) {
            try {
                var result = ResultFile.read(candidate.toString(), Home.of(System.getenv()));
                if (!result.figures().isEmpty()) {
                    return result;
                }
            } catch (ConfigException noResult) {
                // the next one may be
            } catch (java.io.UncheckedIOException notText) {
                // nor is this
            }
        }
        return null;
    }

    private static void delete(Path folder) throws IOException {
        try (var files = Files.walk(folder)) {
            for (var file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(file);
            }
        }
    }
}
