package bestfit.cli;

import bestfit.config.Json;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Properties;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Option;

/** {@code bestfit version}: what is running, in one line. */
@Command(
        name = "version",
        mixinStandardHelpOptions = true,
        footerHeading = Main.EXAMPLES,
        footer = "  bestfit version --json",
        description = "Prints the version, the commit it was built from, and the Java that runs it.")
public final class VersionCommand implements Callable<Integer>, IVersionProvider {
    @Option(names = "--json", description = "Print one JSON object.")
    private boolean json;

    @Override
    public Integer call() {
        var build = buildProperties();
        if (json) {
            System.out.println(Json.write(Json.object()
                    .put("version", build.getProperty("version"))
                    .put("commit", build.getProperty("commit"))
                    .put("java", Runtime.version().toString())));
        } else {
            System.out.println(line(build));
        }
        return ExitCode.OK;
    }

    @Override
    public String[] getVersion() {
        return new String[] {line(buildProperties())};
    }

    private static String line(Properties build) {
        var commit = build.getProperty("commit");
        return "bestfit " + build.getProperty("version") + (commit.isBlank() ? "" : " (" + commit + ")") + ", Java "
                + Runtime.version();
    }

    /** The program's version alone. */
    static String version() {
        return buildProperties().getProperty("version");
    }

    /** What tells one build from another. */
    static String versionAndCommit() {
        var build = buildProperties();
        return (build.getProperty("version") + " " + build.getProperty("commit")).strip();
    }

    private static Properties buildProperties() {
        var properties = new Properties();
        try (var in = VersionCommand.class.getResourceAsStream("build.properties")) {
            properties.load(in);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return properties;
    }
}
