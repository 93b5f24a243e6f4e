package bestfit.failure;

/** What a process's exit code says. */
final class ExitCodes {
    /** Added to the signal's number by the JVM and by shells. */
    private static final int SIGNALLED = 128;

    /** Ended by the one signal that leaves no time for a last word. */
    static final int KILLED = SIGNALLED + 9;

    private ExitCodes() {}

    static String describe(int exitCode) {
        return switch (exitCode) {
            case KILLED -> "killed by signal 9 (the kernel does that when memory runs out)";
            case SIGNALLED + 6 -> "aborted by signal 6";
            case SIGNALLED + 11 -> "segmentation fault (signal 11)";
            case SIGNALLED + 15 -> "ended by signal 15";
            default -> "exit code " + exitCode;
        };
    }
}
