package bestfit.model;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;

/**
 * Decodes one sequence token by token, giving out whole characters only: bytes of an unfinished character, and those that are
 * none, wait for a token behind which the text ends in a whole one. Not thread-safe.
 */
public final class Detokenizer {
    private final Tokenizer tokenizer;
    private final boolean skipSpecialTokens;
    private final CharsetDecoder decoder = StandardCharsets.UTF_8
            .newDecoder()
            .onMalformedInput(CodingErrorAction.REPLACE)
            .onUnmappableCharacter(CodingErrorAction.REPLACE);
    private static final char REPLACEMENT = '\ufffd';

    private byte[] pending = new byte[0];
    /** Decoded, and not given out yet. */
    private String held = "";

    Detokenizer(Tokenizer tokenizer, boolean skipSpecialTokens) {
        this.tokenizer = tokenizer;
        this.skipSpecialTokens = skipSpecialTokens;
    }

    /** The characters that this token completes; often none or several. */
    public String add(int token) {
        if (skipSpecialTokens && tokenizer.isSpecial(token)) {
            return "";
        }
        var bytes = tokenizer.bytes(token);
        if (pending.length == 0 && held.isEmpty() && isAscii(bytes)) {
            return new String(bytes, StandardCharsets.US_ASCII);
        }
        held += decode(bytes, false);
        if (pending.length > 0 || (!held.isEmpty() && held.charAt(held.length() - 1) == REPLACEMENT)) {
            return "";
        }
        var text = held;
        held = "";
        return text;
    }

    private static boolean isAscii(byte[] bytes) {
        for (byte each : bytes) {
            if (each < 0) {
                return false;
            }
        }
        return true;
    }

    /** What is left at the end, with U+FFFD for what is no character. */
    public String finish() {
        var rest = held + decode(new byte[0], true);
        held = "";
        return rest;
    }

    private String decode(byte[] more, boolean end) {
        var in = ByteBuffer.allocate(pending.length + more.length)
                .put(pending)
                .put(more)
                .flip();
        var out = CharBuffer.allocate(in.remaining() + 1);
        decoder.decode(in, out, end);
        if (end) {
            decoder.flush(out);
            decoder.reset();
        }
        pending = new byte[in.remaining()];
        in.get(pending);
        return out.flip().toString();
    }
}
