package bestfit.cli;

import static java.util.stream.Collectors.toCollection;
import static java.util.stream.Collectors.toSet;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;

/** What the documents name exists: commands, flags, files, classes, exit codes. Only code spans and code blocks count. */
class DocsTest {
    private static final Path ROOT = Path.of("").toAbsolutePath();
    private static final Pattern CODE = Pattern.compile("```\\w*\\n(.*?)```|`([^`\\n]+)`", Pattern.DOTALL);
    private static final Pattern COMMAND = Pattern.compile("(?<![\\w/.-])(?:\\./)?bestfit ([a-z][a-z-]+)([^\\n|;&]*)");
    private static final Pattern FLAG = Pattern.compile("(?<![\\w-])--?[a-zA-Z][\\w-]*");
    private static final Pattern FILE = Pattern.compile(
            "(?<![\\w/.-])(?:(?:src|docs|bench|\\.ci|\\.mvn)/[\\w./-]*[\\w/]|pom\\.xml|LICENSE|README\\.md)");
    private static final Pattern CLASS = Pattern.compile("^[A-Z][a-z]+(?:[A-Z][a-z0-9]+)+$");
    private static final Pattern LINK = Pattern.compile("\\]\\((?!https?:)([^)#]*)(?:#([^)]*))?\\)");

    private static final Pattern HEADING = Pattern.compile("(?m)^#+ (.*)$");

    private static final CommandLine PROGRAM = Main.commandLine();

    /** Commands of the bash launcher, with their flags. */
    private static final TreeMap<String, Set<String>> LAUNCHER = new TreeMap<>();

    static {
        LAUNCHER.put("test", Set.of("--quick"));
        LAUNCHER.put("pack", Set.of());
    }

    @Test
    void everyCommandAndFlag_exists() throws IOException {
        var wrong = new ArrayList<String>();
        for (var page : pages()) {
            for (var code : code(page)) {
                COMMAND.matcher(code).results().forEach(command -> wrong.addAll(problems(page, command)));
                if (code.startsWith("-") && !allFlags().contains(firstFlag(code))) {
                    wrong.add(page + ": no command has the flag " + code);
                }
            }
        }
        assertThat(wrong).isEmpty();
    }

    @Test
    void everyFileAndLink_exists() throws IOException {
        var wrong = new ArrayList<String>();
        for (var page : pages()) {
            code(page).stream()
                    .flatMap(code -> FILE.matcher(code).results().map(MatchResult::group))
                    .filter(file -> !Files.exists(ROOT.resolve(file)))
                    .forEach(file -> wrong.add(page + ": no file " + file));
            for (var link : LINK.matcher(Files.readString(page)).results().toList()) {
                var target = link.group(1).isEmpty() ? page : page.resolveSibling(link.group(1));
                if (!Files.exists(target)
                        || (link.group(2) != null && !anchors(target).contains(link.group(2)))) {
                    wrong.add(page + ": dead link " + link.group());
                }
            }
        }
        assertThat(wrong).isEmpty();
    }

    /** Of each heading, as GitHub makes them. */
    private static Set<String> anchors(Path page) throws IOException {
        return HEADING.matcher(Files.readString(page))
                .results()
                .map(heading -> heading.group(1).toLowerCase(Locale.ROOT))
                .map(heading -> heading.replaceAll("[^\\w\\- ]", "").replace(' ', '-'))
                .collect(toSet());
    }

    @Test
    void everyClass_exists() throws IOException {
        Set<String> classes;
        try (var files = Files.walk(ROOT.resolve("src"))) {
            classes = files.map(file -> file.getFileName().toString())
                    .filter(name -> name.endsWith(".java"))
                    .map(name -> name.substring(0, name.length() - ".java".length()))
                    .collect(toSet());
        }
        var wrong = new ArrayList<String>();
        for (var page : pages()) {
            code(page).stream()
                    .filter(code -> CLASS.matcher(code).matches() && !classes.contains(code))
                    .forEach(code -> wrong.add(page + ": no class " + code));
        }
        assertThat(wrong).isEmpty();
    }

    @Test
    void exitCodesPage_listsWhatTheProgramReturns() throws IOException, IllegalAccessException {
        var listed = Pattern.compile("^\\| `(\\d+)` \\| `(\\w+)` \\|", Pattern.MULTILINE)
                .matcher(Files.readString(ROOT.resolve("docs/exit-codes.md")))
                .results()
                .map(row -> row.group(1) + " " + row.group(2))
                .collect(toCollection(TreeSet::new));
        var returned = new TreeSet<String>();
        for (var field : ExitCode.class.getFields()) {
            returned.add(field.getInt(null) + " " + field.getName());
        }
        assertThat(listed).isEqualTo(returned);
    }

    private static List<String> problems(Path page, MatchResult command) {
        var name = command.group(1);
        var known = flagsOf(name);
        if (known == null) {
            return List.of(page + ": no command: bestfit " + name);
        }
        return FLAG.matcher(withoutQuoted(command.group(2)))
                .results()
                .map(MatchResult::group)
                .filter(flag -> !known.contains(flag))
                .map(flag -> page + ": bestfit " + name + " has no flag " + flag)
                .toList();
    }

    /** A quoted argument may hold flags of another program. */
    private static String withoutQuoted(String arguments) {
        return arguments.replaceAll("'[^']*'|\"[^\"]*\"", "");
    }

    private static String firstFlag(String code) {
        return code.split("[ =]", 2)[0];
    }

    private static @Nullable Set<String> flagsOf(String command) {
        var subcommand = PROGRAM.getSubcommands().get(command);
        return subcommand == null ? LAUNCHER.get(command) : flags(subcommand);
    }

    private static Set<String> flags(CommandLine command) {
        var flags = command.getCommandSpec().options().stream()
                .flatMap(option -> Stream.of(option.names()))
                .collect(toSet());
        command.getSubcommands().values().forEach(sub -> flags.addAll(flags(sub)));
        if (command.getCommandName().equals("engine")) {
            flags.addAll(VLLM_ARGS);
        }
        return flags;
    }

    private static Set<String> allFlags() {
        var flags = new TreeSet<>(VLLM_ARGS);
        LAUNCHER.values().forEach(flags::addAll);
        flags.addAll(flags(PROGRAM));
        return flags;
    }

    /** vLLM's args that the documents speak of; they belong to the engine, not to our commands. */
    private static final Set<String> VLLM_ARGS = Set.of(
            "--async-scheduling",
            "--no-async-scheduling",
            "--prefill-context-parallel-size",
            "--tensor-parallel-size",
            "--pipeline-parallel-size",
            "--max-num-seqs",
            "--max-num-batched-tokens",
            "--max-model-len",
            "--gpu-memory-utilization",
            "--kv-cache-dtype",
            "--quantization",
            "--cpu-offload-gb",
            "--cpu-offload-params",
            "--offload-backend",
            "--dtype");

    private static List<String> code(Path page) throws IOException {
        return CODE.matcher(Files.readString(page))
                .results()
                .map(code -> code.group(1) != null ? code.group(1) : code.group(2))
                .toList();
    }

    private static List<Path> pages() throws IOException {
        try (var files = Files.walk(ROOT.resolve("docs"))) {
            return Stream.concat(files, Stream.of(ROOT.resolve("README.md")))
                    .filter(file -> file.toString().endsWith(".md"))
                    .toList();
        }
    }
}
