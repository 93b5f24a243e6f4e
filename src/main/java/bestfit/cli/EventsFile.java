package bestfit.cli;

import bestfit.config.ConfigException;
import bestfit.config.Json;
import bestfit.load.EventLog;
import bestfit.metrics.Measurement;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import tools.jackson.databind.JsonNode;

/**
 * The raw events of one run.
 *
 * @param resume go on with what an interrupted run left there
 */
record EventsFile(Path file, boolean resume) {
    /**
     * What an interrupted run left.
     *
     * @param run what tells the run apart from another
     * @throws ConfigException if the file holds another run
     */
    List<Measurement> before(JsonNode run) {
        if (!resume) {
            return List.of();
        }
        if (!EventLog.isBegun(file)) { // killed before its first request
            System.err.println("bestfit: " + file + " holds no run yet: it begins anew");
            return List.of();
        }
        var contents = EventLog.read(file);
        if (!contents.run().equals(Json.parse(Json.write(run)))) {
            throw new ConfigException("--resume: " + file + " holds another run: " + contents.run() + ".");
        }
        return contents.measurements();
    }

    /** Whether the run was set aside as INVALID before the interruption. */
    boolean wasInvalid() {
        return resume && !EventLog.isBegun(file) && EventLog.isBegun(invalid());
    }

    /** Keeps the run under a name that tells it, so that nobody takes it for a measurement of the server. */
    void setInvalid() {
        try {
            Files.move(file, invalid(), StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            throw new ConfigException("Events file " + file + " cannot be moved to " + invalid() + " ("
                    + e.getClass().getSimpleName() + ": " + e.getMessage() + ").");
        }
    }

    private Path invalid() {
        return file.resolveSibling("INVALID-" + file.getFileName());
    }

    /** Takes what is measured from here on. */
    EventLog log(JsonNode run) {
        if (resume && EventLog.isBegun(file)) {
            return EventLog.append(file);
        }
        EventLog.setAside(file)
                .ifPresent(
                        kept -> System.err.println("bestfit: " + file + " held something already; it is now " + kept));
        return EventLog.create(file, run);
    }
}
