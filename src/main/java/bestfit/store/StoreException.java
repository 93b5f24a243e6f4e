package bestfit.store;

import java.nio.file.Path;
import java.sql.SQLException;
import org.sqlite.SQLiteErrorCode;
import org.sqlite.SQLiteException;

/** The database could not be read or written; what was written before is kept. The message says what to do. */
public final class StoreException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final boolean forbidden;

    private StoreException(String message, SQLException cause, boolean forbidden) {
        super(message, cause);
        this.forbidden = forbidden;
    }

    /** The file or its folder does not allow what was asked. */
    boolean isForbidden() {
        return forbidden;
    }

    static StoreException of(Path file, SQLException cause) {
        var extended = cause instanceof SQLiteException sqlite ? sqlite.getResultCode() : SQLiteErrorCode.UNKNOWN_ERROR;
        int code = extended.code & 0xFF; // an extended code carries the primary one in its low byte
        var advice = switch (code) {
            case 13 -> "the disk is full. Everything finished is kept; free space and give the same command again.";
            case 5, 6 ->
                "another program holds it locked. Wait for that program to end, or choose another file with --db.";
            case 8, 23 ->
                "it cannot be written. Give write permission to the file and its folder, or choose another file with --db.";
            case 14 -> "it cannot be opened. Its folder must exist and be writable; choose another file with --db.";
            case 10 ->
                "reading or writing failed (" + cause.getMessage() + "). Check the disk; everything finished is kept.";
            case 11, 26 -> "it is damaged or no SQLite database. Choose another file with --db.";
            default -> unknown(cause);
        };
        return new StoreException("Database " + file + ": " + advice, cause, code == 8 || code == 14 || code == 23);
    }

    /** Such as SQLite's library, which is unpacked at the first start and needs 2 MB there. */
    private static String unknown(SQLException cause) {
        Throwable root = cause;
        while (root.getCause() != null) {
            root = root.getCause();
        }
        return cause.getCause() == null
                ? String.valueOf(cause.getMessage())
                : cause.getMessage() + " (" + root.getMessage()
                        + "). Check that BESTFIT_HOME can be written and has room.";
    }
}
