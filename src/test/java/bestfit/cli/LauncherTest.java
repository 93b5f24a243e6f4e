package bestfit.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The bash launcher as a user meets it. */
@Tag("slow")
@Tag("together")
class LauncherTest {
    private static final Path LAUNCHER = Path.of("bestfit").toAbsolutePath();

    @TempDir
    private Path folder;

    private record Run(int exitCode, String out, String err) {}

    /** One checkout's life under a path with spaces, in the order of a developer's day: each build takes half a minute. */
    @Test
    void checkout_buildsWhenItMustOnly_andLeavesRunningProgramsTheirBuild() throws Exception {
        var checkout = copyCheckout(folder.resolve("a path with spaces"));
        var launcher = checkout.resolve("bestfit").toString();
        // a Maven that leaves a daemon behind, as some tools do
        var mvn = Files.writeString(
                Files.createDirectories(folder.resolve("bin")).resolve("mvn"),
                "#!/bin/bash\nsleep 600 >/dev/null 2>&1 & echo $! >>" + folder.resolve("daemons") + "\nexec "
                        + realMaven() + " \"$@\"\n");
        assertThat(mvn.toFile().setExecutable(true)).isTrue();
        var path = Map.of("PATH", mvn.getParent() + ":" + System.getenv("PATH"), "BESTFIT_HOME", folder.toString());
        try {
            buildsOnce_andThenNeedsNoWriting(checkout, path);
            symbolicLink_fromAnotherFolder(launcher);
            withoutALocale_printsWhatItMeans(launcher);
            rebuildLeavesRunningProgramsTheirBuild(checkout, path);

            Files.delete(checkout.resolve("src/main/java/bestfit/cli/ExitCode.java"));
            var broken = run(folder, path, launcher, "version");
            assertThat(broken.exitCode()).isEqualTo(ExitCode.FAILED);
            assertThat(broken.err()).contains("ExitCode", "the whole log: " + checkout.resolve("target/build.log"));
        } finally {
            for (var pid : Files.readAllLines(folder.resolve("daemons"))) {
                ProcessHandle.of(Long.parseLong(pid)).ifPresent(ProcessHandle::destroyForcibly);
            }
        }
    }

    private void buildsOnce_andThenNeedsNoWriting(Path checkout, Map<String, String> path) throws Exception {
        var launcher = checkout.resolve("bestfit").toString();
        var first = run(folder, path, launcher, "version", "--json");
        assertThat(first.exitCode()).as(first.err()).isZero();
        assertThat(first.err()).contains("building");

        var before = newest(checkout);
        var second = run(folder, path, launcher, "version", "--json");
        assertThat(second.out()).isEqualTo(first.out()).containsOnlyOnce("\n");
        assertThat(second.err()).isEmpty();
        assertThat(newest(checkout)).isEqualTo(before);
    }

    private void symbolicLink_fromAnotherFolder(String launcher) throws Exception {
        var link = Files.createSymbolicLink(folder.resolve("bf"), Path.of(launcher));

        var run = run(folder, Map.of(), link.toString(), "version");

        assertThat(run.exitCode()).as(run.err()).isZero();
        assertThat(run.out()).startsWith("bestfit 0.1");
        assertThat(run.err()).isEmpty();
    }

    private void withoutALocale_printsWhatItMeans(String launcher) throws Exception {
        var run = run(folder, Map.of("LC_ALL", "C"), launcher, "help", "node");

        assertThat(run.out()).contains("P+2, …");
    }

    /** A campaign goes on starting engines from the build that it runs from, whatever is built meanwhile. */
    private void rebuildLeavesRunningProgramsTheirBuild(Path checkout, Map<String, String> path) throws Exception {
        var launcher = checkout.resolve("bestfit").toString();
        var current = checkout.resolve("target/builds/current");
        var first = current.toRealPath();
        var starter = new ProcessBuilder(launcher, "node", "--port", "0", "--inference-port", "0");
        starter.environment().putAll(path);
        var node = starter.redirectError(ProcessBuilder.Redirect.DISCARD).start();
        try {
            assertThat(node.inputReader().readLine()).contains("management");
            // neither copied out of a jar nor done without
            assertThat(Files.readString(Path.of("/proc", Long.toString(node.pid()), "maps")))
                    .contains(first + "/dist/native/libnetty", first + "/aot/main");
            change(checkout);
            var second = run(folder, path, "timeout", "120", launcher, "version");
            assertThat(second.exitCode()).as(second.err()).isZero();
            assertThat(second.err()).contains("building").doesNotContain("waiting");
            assertThat(current.toRealPath()).isNotEqualTo(first);
            assertThat(first.resolve("dist/bestfit.jar")).exists();

            node.destroy();
            assertThat(node.waitFor(30, TimeUnit.SECONDS)).isTrue();
            change(checkout);
            assertThat(run(folder, path, launcher, "version").exitCode()).isZero();
            assertThat(first).doesNotExist();
        } finally {
            node.destroyForcibly();
        }
    }

    private static void change(Path checkout) throws IOException {
        Files.writeString(checkout.resolve("src/main/java/bestfit/cli/ExitCode.java"), "\n", StandardOpenOption.APPEND);
    }

    private static String realMaven() throws Exception {
        var which = new ProcessBuilder(
                        "bash", "-c", "command -v mvn || ls /usr/share/maven*/bin/mvn /opt/*maven*/bin/mvn")
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        return which.inputReader().readLine();
    }

    @Test
    void noJdk_saysWhatToInstall() throws Exception {
        // The machine's own folders are looked at too, so the launcher is asked for a JDK that nobody has.
        var copy = Files.writeString(
                folder.resolve("bestfit"), Files.readString(LAUNCHER).replace("JDK_NEEDED=25", "JDK_NEEDED=9999"));

        var run = run(folder, Map.of("JAVA_HOME", "/nowhere"), "bash", copy.toString(), "version");

        assertThat(run.exitCode()).isEqualTo(ExitCode.FAILED);
        assertThat(run.err()).contains("no JDK 9999 or later found", "apt-get install", "dnf install", "sdk install");
        assertThat(run.out()).isEmpty();
    }

    @Test
    void unknownFlagOfTest_isRefused() throws Exception {
        var run = run(folder, Map.of(), LAUNCHER.toString(), "test", "--fast");

        assertThat(run.exitCode()).isEqualTo(ExitCode.BAD_INPUT);
        assertThat(run.err()).contains("--fast", "--quick");
    }

    private static Run run(Path folder, Map<String, String> environment, String... command) throws Exception {
        var err = Files.createTempFile(folder, "run", ".err");
        var builder = new ProcessBuilder(command).directory(folder.toFile()).redirectError(err.toFile());
        builder.environment().putAll(environment);
        var process = builder.start();
        process.getOutputStream().close();
        var out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor(5, TimeUnit.MINUTES)).isTrue();
        return new Run(process.exitValue(), out, Files.readString(err));
    }

    private static Path copyCheckout(Path to) throws IOException {
        for (var from : List.of("bestfit", "pom.xml", ".mvn", "src/main")) {
            try (var files = Files.walk(Path.of(from))) {
                for (var file : (Iterable<Path>) files::iterator) {
                    Files.createDirectories(to.resolve(file).getParent());
                    if (!Files.isDirectory(file)) {
                        Files.copy(file, to.resolve(file), StandardCopyOption.COPY_ATTRIBUTES);
                    }
                }
            }
        }
        return to;
    }

    private static List<String> newest(Path checkout) throws IOException {
        var times = new ArrayList<String>();
        try (var files = Files.walk(checkout)) {
            for (var file : (Iterable<Path>) files.sorted()::iterator) {
                times.add(file + " " + Files.getLastModifiedTime(file));
            }
        }
        return times;
    }
}
