package bestfit.cli;

import bestfit.config.Problems;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Where a run keeps its raw events, and whether it goes on with what is there. */
final class EventsOptions {
    @Option(
            names = "--events",
            paramLabel = "FILE",
            description =
                    "Write every request's raw events, readable after a crash; a sweep makes a file a point of it, a search one a probe.")
    @Nullable
    private Path file;

    @Option(names = "--resume", description = "Go on with what is in --events: send only what did not end.")
    private boolean resume;

    void check(Problems problems) {
        if (resume && file == null) {
            problems.add("--resume: needs the file of the interrupted run as --events.");
        }
        ExportOptions.checkWritable(problems, "--events", file);
    }

    Optional<EventsFile> whole() {
        return Optional.ofNullable(file).map(each -> new EventsFile(each, resume));
    }

    /** @param point such as {@code 2-rate-4.0}, put before the name's extension */
    Optional<EventsFile> of(String point) {
        return whole().map(each -> new EventsFile(each.file().resolveSibling(named(each.file(), point)), resume));
    }

    private static String named(Path file, String point) {
        var name = String.valueOf(file.getFileName());
        int dot = name.lastIndexOf('.');
        return dot > 0 ? name.substring(0, dot) + "." + point + name.substring(dot) : name + "." + point;
    }
}
