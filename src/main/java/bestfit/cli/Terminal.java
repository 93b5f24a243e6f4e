package bestfit.cli;

/** Whether a person is looking. */
final class Terminal {
    private Terminal() {}

    /** Whether standard error goes to a terminal, so that a line may be written over. */
    static boolean onStandardError() {
        try {
            var target = java.nio.file.Path.of("/proc/self/fd/2").toRealPath().toString();
            return target.startsWith("/dev/pts/") || target.startsWith("/dev/tty") || target.equals("/dev/console");
        } catch (java.io.IOException notLinux) {
            return false;
        }
    }
}
