package bestfit.node;

import bestfit.config.ConfigException;
import bestfit.http.Exchange;
import bestfit.http.Handler;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.Map;
import java.util.Optional;

/**
 * A secret that callers show as {@code Authorization: Bearer …}. Compared in a time that does not depend on where it
 * differs.
 */
final class BearerToken {
    private static final String SCHEME = "bearer ";
    private static final int FEWEST_CHARS = 8;
    private static final byte[] REFUSED = "{\"detail\":\"Not authenticated\"}".getBytes(StandardCharsets.US_ASCII);
    private final byte[] secret;

    private BearerToken(byte[] secret) {
        this.secret = secret;
    }

    /**
     * Reads the one line of a file.
     *
     * @throws ConfigException if there is none, or it is too short to be a secret
     */
    static Optional<BearerToken> read(String option, Optional<Path> file) {
        return file.map(path -> {
            try {
                var text = Files.readString(path).strip();
                if (text.length() < FEWEST_CHARS || text.chars().anyMatch(c -> c <= ' ' || c > '~')) {
                    throw new ConfigException(option + " " + path + " holds no token; one line of at least "
                            + FEWEST_CHARS + " printable characters without blanks is expected");
                }
                return new BearerToken(text.getBytes(StandardCharsets.US_ASCII));
            } catch (IOException unreadable) {
                throw new ConfigException(
                        option + " " + path + " cannot be read: " + unreadable + "; give a file with one line");
            }
        });
    }

    /** {@code handler} for callers who show the token; without a token, for all. */
    static Handler guard(Optional<BearerToken> token, Handler handler) {
        return token.<Handler>map(secret -> new Guarded(secret, handler)).orElse(handler);
    }

    private record Guarded(BearerToken token, Handler handler) implements Handler {
        @Override
        public void handle(Exchange exchange) throws Exception {
            if (token.shownBy(exchange)) {
                handler.handle(exchange);
            } else {
                exchange.respond(
                        401, Map.of("Content-Type", "application/json", "WWW-Authenticate", "Bearer"), REFUSED);
            }
        }

        @Override
        public boolean blocks() {
            return handler.blocks();
        }
    }

    private boolean shownBy(Exchange exchange) {
        var values = exchange.headers("Authorization");
        if (values.size() != 1 || !values.getFirst().regionMatches(true, 0, SCHEME, 0, SCHEME.length())) {
            return false;
        }
        var shown = values.getFirst().substring(SCHEME.length()).strip();
        return MessageDigest.isEqual(secret, shown.getBytes(StandardCharsets.UTF_8));
    }
}
