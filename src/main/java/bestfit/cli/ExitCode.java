package bestfit.cli;

/** What the program's end tells a script; {@code docs/exit-codes.md} holds the same list, a test compares them. */
public final class ExitCode {
    /** Done. For {@code tune}: a recommendation, be it sure, a tie, a trade-off or cut by the budget. */
    public static final int OK = 0;

    /** The machine failed: the build, a disk, a file or a connection that was there before. */
    public static final int FAILED = 1;

    /** The input cannot be used; the message names it and what is allowed. */
    public static final int BAD_INPUT = 2;

    /** The campaign ended without a recommendation. */
    public static final int NO_RECOMMENDATION = 3;

    /** The same campaign is being run by another process. */
    public static final int CAMPAIGN_BUSY = 4;

    /** A defect of bestfit; {@code BESTFIT_DEBUG=1} prints the stack trace. */
    public static final int INTERNAL = 70;

    /** Stopped by Ctrl-C; the same command goes on. */
    public static final int STOPPED = 130;

    private ExitCode() {}
}
