package bestfit.node;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;

/** What Linux tells about running processes. Zombies count as gone, unless threads of theirs still run: those hold its ports and GPUs. */
final class ProcessTable {
    private static final Path PROC = Path.of("/proc");

    private ProcessTable() {}

    /**
     * A running process.
     *
     * @param startTicks clock ticks from boot to its start; with the pid and the boot it names one process for ever
     */
    record Entry(long pid, long session, long startTicks) {
        /** False once it is gone, also when another process has its number now. */
        boolean isRunning() {
            return find(pid).filter(now -> now.startTicks == startTicks).isPresent();
        }
    }

    static Optional<Entry> find(long pid) {
        try {
            return parse(
                    pid,
                    Files.readString(PROC.resolve(Long.toString(pid)).resolve("stat"), StandardCharsets.ISO_8859_1));
        } catch (IOException gone) {
            return Optional.empty();
        }
    }

    /** The processes of a session: what an engine started, wherever it was re-parented to. */
    static List<Entry> session(long session) {
        return all(entry -> entry.session() == session);
    }

    /** The processes whose environment holds {@code assignment} ({@code NAME=value}), of those this user may look into. */
    static List<Entry> withEnvironment(String assignment) {
        return all(entry -> environment(entry.pid()).contains(assignment));
    }

    /** Names the running kernel: pids and ticks mean nothing after a reboot. */
    static String bootId() {
        try {
            return Files.readString(PROC.resolve("sys/kernel/random/boot_id")).strip();
        } catch (IOException notLinux) {
            return "";
        }
    }

    private static List<String> environment(long pid) {
        try {
            var text =
                    Files.readString(PROC.resolve(Long.toString(pid)).resolve("environ"), StandardCharsets.ISO_8859_1);
            return List.of(text.split("\0", -1));
        } catch (IOException goneOrForeign) {
            return List.of();
        }
    }

    private static List<Entry> all(Predicate<Entry> wanted) {
        var found = new ArrayList<Entry>();
        try (var files = Files.newDirectoryStream(PROC, "[0-9]*")) {
            for (var file : files) {
                find(Long.parseLong(file.getFileName().toString()))
                        .filter(wanted)
                        .ifPresent(found::add);
            }
        } catch (IOException notLinux) {
            return List.of();
        }
        return found;
    }

    /**
     * Fields of {@code /proc/PID/stat} after the name, which may itself hold blanks and brackets: state, ppid, pgrp, session, …
     * A process whose first thread has ended shows as a zombie while its other threads run.
     */
    private static Optional<Entry> parse(long pid, String stat) {
        var fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1);
        boolean gone = fields[0].equals("X") || (fields[0].equals("Z") && Integer.parseInt(fields[17]) <= 1);
        return gone
                ? Optional.empty()
                : Optional.of(new Entry(pid, Long.parseLong(fields[3]), Long.parseLong(fields[19])));
    }
}
