package bestfit.config;

import java.time.Duration;
import java.util.regex.Pattern;

/** Reads lengths of time as a person writes them: 500ms, 60s, 10m, 1h; a bare number is seconds. */
public final class Spans {
    private static final Pattern SPAN = Pattern.compile("(\\d{1,9}(?:\\.\\d{1,9})?)(ms|s|m|h|)");

    private Spans() {}

    /** @throws ConfigException if it is none, zero, or longer than {@code mostSeconds} */
    public static Duration parse(String text, double mostSeconds) {
        var match = SPAN.matcher(text);
        if (match.matches()) {
            double seconds = Double.parseDouble(match.group(1))
                    * switch (match.group(2)) {
                        case "ms" -> 0.001;
                        case "m" -> 60;
                        case "h" -> 3600;
                        default -> 1;
                    };
            if (seconds > 0 && seconds <= mostSeconds) {
                return Duration.ofNanos(Math.round(seconds * 1e9));
            }
        }
        throw new ConfigException(
                "\"" + text + "\" is not allowed; it takes a time such as 500ms, 60s, 10m or 1h, up to "
                        + (long) (mostSeconds / 3600) + "h.");
    }
}
