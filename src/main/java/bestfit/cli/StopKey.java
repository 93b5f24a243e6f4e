package bestfit.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Listens for {@code q} on the keyboard while it is open. The terminal hands over each key at once for that long; without a
 * terminal, or in the background, nothing is listened to.
 */
final class StopKey implements AutoCloseable {
    private static final long POLL_MILLIS = 200;

    private final Optional<String> settings;
    private final Thread thread;

    private StopKey(Optional<String> settings, Runnable pressed) {
        this.settings = settings;
        this.thread = Thread.ofPlatform().daemon().name("keys").unstarted(() -> listen(pressed));
    }

    static StopKey open(Runnable pressed) {
        var settings = TerminalStreams.isTerminal(TerminalStreams.INPUT) && TerminalStreams.inForeground()
                ? stty(List.of("-g"))
                : Optional.<String>empty();
        var key = new StopKey(settings, pressed);
        if (settings.isPresent()) {
            stty(List.of("-icanon", "-echo", "min", "1"));
            key.thread.start();
        }
        return key;
    }

    /** Asks for what is there instead of waiting in a read: that would stop a process which is sent to the background. */
    private static void listen(Runnable pressed) {
        try {
            while (!Thread.currentThread().isInterrupted()) {
                if (TerminalStreams.inForeground() && System.in.available() > 0 && System.in.read() == 'q') {
                    pressed.run();
                }
                Thread.sleep(POLL_MILLIS);
            }
        } catch (IOException | InterruptedException e) {
            // The terminal is gone, or this is closed: no key will come.
        }
    }

    @Override
    public void close() {
        thread.interrupt();
        settings.ifPresent(saved -> stty(List.of(saved)));
    }

    static Optional<String> stty(List<String> arguments) {
        var command = new ArrayList<>(List.of("stty"));
        command.addAll(arguments);
        try {
            var process = new ProcessBuilder(command)
                    .redirectInput(ProcessBuilder.Redirect.INHERIT)
                    .redirectError(ProcessBuilder.Redirect.DISCARD)
                    .start();
            var text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            return process.waitFor() == 0 ? Optional.of(text.strip()) : Optional.empty();
        } catch (IOException e) {
            return Optional.empty();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return Optional.empty();
        }
    }
}
