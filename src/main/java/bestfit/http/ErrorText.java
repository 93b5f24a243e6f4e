package bestfit.http;

import io.netty.handler.ssl.NotSslRecordException;
import java.util.Optional;
import java.util.regex.Pattern;
import javax.net.ssl.SSLException;

/** An error's body, fit for a message. */
public final class ErrorText {
    private static final int LONGEST = 200;

    /** Scripts and styles with what they hold, comments, and all other tags. */
    private static final Pattern MARKUP =
            Pattern.compile("(?is)<(script|style|head)\\b.*?</\\1\\s*>|<!--.*?-->|</?[a-z!][^>]*>");

    /** Netty's own sockets begin with the system call: {@code recvmsg(..) failed with error(-104): Connection reset by peer}. */
    private static final Pattern SYSTEM_CALL = Pattern.compile("^\\w+\\(\\.\\.\\) failed with error\\(-?\\d+\\): ");

    private ErrorText() {}

    /** What a socket's failure says to people. */
    public static String plain(String message) {
        return SYSTEM_CALL.matcher(message).replaceFirst("");
    }

    /** What a failure of TLS says to people; empty if it was none. */
    public static Optional<String> ofTls(Throwable cause) {
        for (Throwable inner = cause; inner != null; inner = inner.getCause()) {
            if (inner instanceof SSLException) {
                return Optional.of("TLS: "
                        + (inner instanceof NotSslRecordException // its own words are the answer in hexadecimal
                                ? "the server speaks none; its URL begins with http://"
                                : inner.getMessage()));
            }
        }
        return Optional.empty();
    }

    /** On one line, without HTML's tags, at most 200 characters; never blank. */
    public static String oneLine(String body) {
        var bare = MARKUP.matcher(body).replaceAll(" ");
        var line = bare.replaceAll("[\\s\\p{Cntrl}]+", " ").strip();
        if (line.isEmpty()) {
            return body.isBlank() ? "an empty answer" : "a page without text";
        }
        return line.length() <= LONGEST ? line : line.substring(0, LONGEST) + "…";
    }
}
