package bestfit.http;

import io.netty.handler.codec.http.DefaultHttpHeadersFactory;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;

/**
 * Finds head, body and end of HTTP/1.x answers in a connection's bytes, in whatever pieces they come. Allocates for heads
 * only: body pieces are parts of what was read, which is a plain array because Netty's buffers cost a virtual call a look.
 * Strict, since a relay trusts where it says an answer ends.
 */
final class ResponseParser {
    private static final int MAX_HEAD_BYTES = 256 << 10;

    /** Larger chunks are read digit by digit. */
    private static final int MOST_DIGITS_AT_A_LOOK = 6;

    /** Takes what was found. */
    interface Sink {
        /** The head of the final answer, which ended before {@code bodyFrom}; informational ones are skipped. */
        void head(int status, HttpHeaders headers, int bodyFrom);

        /** Body bytes without framing; valid during the call only. */
        void body(byte[] in, int from, int to);
    }

    private enum State {
        STATUS_LINE,
        HEADER,
        BODY_OF_LENGTH,
        BODY_UNTIL_CLOSE,
        CHUNK_SIZE,
        CHUNK_EXTENSION,
        CHUNK_SIZE_LF,
        CHUNK_DATA,
        CHUNK_CR,
        CHUNK_LF,
        TRAILER,
        DONE
    }

    private State state = State.DONE;
    private boolean answersHead;
    private boolean started;
    private boolean keepAlive;
    private boolean chunked;
    private int status;
    private HttpHeaders headers = DefaultHttpHeadersFactory.headersFactory().newEmptyHeaders();
    private byte[] line = new byte[256];
    private int lineBytes;
    private int headBytes;
    private long remaining;
    private int sizeDigits;
    private byte[] in = line;
    private int at;
    private int to;

    /** Expects a new answer, to a HEAD request or another one. */
    void begin(boolean toHead) {
        state = State.STATUS_LINE;
        answersHead = toHead;
        started = false;
        keepAlive = false;
        chunked = false;
        lineBytes = 0;
        headBytes = 0;
    }

    /** True once all of the answer came. */
    boolean complete() {
        return state == State.DONE;
    }

    /** True once a byte of the answer came. */
    boolean started() {
        return started;
    }

    /** True when the end of the connection is the proper end of the answer. */
    boolean endsWithConnection() {
        return state == State.BODY_UNTIL_CLOSE;
    }

    /** True when the body comes in chunks; known from the head on. */
    boolean chunked() {
        return chunked;
    }

    /** True when another request may follow on the connection once the answer is complete. */
    boolean keepAlive() {
        return keepAlive;
    }

    /**
     * Reads on, until the answer or {@code to}.
     *
     * @return behind what belongs to the answer: {@code to} unless it is {@linkplain #complete}
     * @throws IOException if this is no HTTP answer
     */
    int feed(byte[] bytes, int from, int end, Sink sink) throws IOException {
        in = bytes;
        at = from;
        to = end;
        started |= from < end;
        while (state != State.DONE && at < to) {
            switch (state) {
                case STATUS_LINE, HEADER, TRAILER -> {
                    if (readLine()) {
                        takeLine(sink);
                    }
                }
                case BODY_OF_LENGTH -> takeBody(sink, State.DONE);
                case CHUNK_DATA -> takeBody(sink, State.CHUNK_CR);
                case BODY_UNTIL_CLOSE -> {
                    remaining = (long) to - at;
                    takeBody(sink, State.BODY_UNTIL_CLOSE);
                }
                default -> {
                    if (!takeWholeFraming()) {
                        takeFraming(in[at++]);
                    }
                }
            }
        }
        return at;
    }

    /** Takes the end of a chunk, or a size of up to six digits, at one look; false where it is cut or has something else in it. */
    private boolean takeWholeFraming() {
        if (state == State.CHUNK_CR && isLineEnd(at)) {
            at += 2;
            beginChunk();
            return true;
        }
        return state == State.CHUNK_SIZE && sizeDigits == 0 && takeWholeSize();
    }

    private boolean isLineEnd(int index) {
        return index + 1 < to && in[index] == '\r' && in[index + 1] == '\n';
    }

    private boolean takeWholeSize() {
        int size = 0;
        int digits = 0;
        int most = Math.min(MOST_DIGITS_AT_A_LOOK, to - at);
        for (int digit; digits < most && (digit = hexDigit(in[at + digits])) >= 0; digits++) {
            size = size << 4 | digit;
        }
        if (digits == 0 || !isLineEnd(at + digits)) {
            return false;
        }
        at += digits + 2;
        remaining = size;
        beginData();
        return true;
    }

    private void takeBody(Sink sink, State next) {
        int from = at;
        int taken = (int) Math.min(remaining, to - from);
        at = from + taken;
        remaining -= taken;
        if (remaining == 0) {
            state = next;
        }
        sink.body(in, from, from + taken);
    }

    private void takeFraming(byte b) throws IOException {
        switch (state) {
            case CHUNK_SIZE -> takeChunkSize(b);
            case CHUNK_EXTENSION -> {
                if (b == '\r') {
                    state = State.CHUNK_SIZE_LF;
                } else if (b == '\n') {
                    throw malformed("a line feed in a chunk extension");
                }
            }
            case CHUNK_SIZE_LF -> {
                expect(b, '\n');
                beginData();
            }
            case CHUNK_CR -> {
                expect(b, '\r');
                state = State.CHUNK_LF;
            }
            default -> {
                expect(b, '\n');
                beginChunk();
            }
        }
    }

    private void beginChunk() {
        state = State.CHUNK_SIZE;
        remaining = 0;
        sizeDigits = 0;
    }

    private void beginData() {
        lineBytes = 0;
        state = remaining == 0 ? State.TRAILER : State.CHUNK_DATA;
    }

    private static int hexDigit(byte b) {
        if (b >= '0' && b <= '9') {
            return b - '0';
        }
        int lower = b | 0x20;
        return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
    }

    private void takeChunkSize(byte b) throws IOException {
        int digit = hexDigit(b);
        if (digit >= 0 && sizeDigits < 15) {
            remaining = remaining << 4 | digit;
            sizeDigits++;
        } else if (sizeDigits > 0 && b == '\r') {
            state = State.CHUNK_SIZE_LF;
        } else if (sizeDigits > 0 && (b == ';' || b == ' ' || b == '\t')) {
            state = State.CHUNK_EXTENSION;
        } else {
            throw malformed("a bad chunk size");
        }
    }

    private static void expect(byte found, char wanted) throws IOException {
        if (found != wanted) {
            throw malformed("a line or chunk that does not end where it should");
        }
    }

    /** Moves bytes into {@code line}; true when it is whole, without its line end. */
    private boolean readLine() throws IOException {
        int end = at;
        while (end < to && in[end] != '\n') {
            end++;
        }
        boolean whole = end < to;
        int count = (whole ? end + 1 : end) - at;
        headBytes += count;
        if (headBytes > MAX_HEAD_BYTES) {
            throw malformed("a head of more than " + MAX_HEAD_BYTES + " bytes");
        }
        if (lineBytes + count > line.length) {
            line = Arrays.copyOf(line, Math.max(2 * line.length, lineBytes + count));
        }
        System.arraycopy(in, at, line, lineBytes, count);
        at += count;
        lineBytes += count;
        if (!whole) {
            return false;
        }
        lineBytes -= lineBytes > 1 && line[lineBytes - 2] == '\r' ? 2 : 1;
        return true;
    }

    private void takeLine(Sink sink) throws IOException {
        int length = lineBytes;
        lineBytes = 0;
        if (state == State.TRAILER) {
            state = length == 0 ? State.DONE : State.TRAILER;
        } else if (state == State.STATUS_LINE) {
            takeStatusLine(new String(line, 0, length, StandardCharsets.ISO_8859_1));
        } else if (length > 0) {
            takeHeader(new String(line, 0, length, StandardCharsets.ISO_8859_1));
        } else {
            endHead(sink);
        }
    }

    private void takeStatusLine(String text) throws IOException {
        boolean wellFormed = text.length() >= 12
                && (text.startsWith("HTTP/1.1 ") || text.startsWith("HTTP/1.0 "))
                && text.substring(9, 12).chars().allMatch(c -> c >= '0' && c <= '9')
                && (text.length() == 12 || text.charAt(12) == ' ');
        if (!wellFormed) {
            throw malformed("no HTTP/1.x status line");
        }
        status = Integer.parseInt(text, 9, 12, 10);
        keepAlive = text.charAt(7) == '1';
        headers = DefaultHttpHeadersFactory.headersFactory().newHeaders();
        state = State.HEADER;
    }

    private void takeHeader(String text) throws IOException {
        int colon = text.indexOf(':');
        if (colon <= 0) {
            throw malformed("a bad header line");
        }
        try {
            headers.add(text.substring(0, colon), text.substring(colon + 1).strip());
        } catch (IllegalArgumentException e) {
            throw malformed("a bad header line");
        }
    }

    private void endHead(Sink sink) throws IOException {
        if (status < 200 && status != 101) {
            state = State.STATUS_LINE;
            return;
        }
        chunked = false;
        String coding = lastOf(headers.getAll(HttpHeaderNames.TRANSFER_ENCODING));
        long length = contentLength();
        keepAlive &= !listed(headers.getAll(HttpHeaderNames.CONNECTION), "close");
        if (answersHead || status == 204 || status == 304) {
            state = State.DONE;
        } else if (coding.equals("chunked")) {
            chunked = true;
            beginChunk();
        } else if (!coding.isEmpty() || length < 0 || status == 101) {
            keepAlive = false;
            state = State.BODY_UNTIL_CLOSE;
        } else {
            remaining = length;
            state = length == 0 ? State.DONE : State.BODY_OF_LENGTH;
        }
        sink.head(status, headers, at);
    }

    private long contentLength() throws IOException {
        List<String> lengths = headers.getAll(HttpHeaderNames.CONTENT_LENGTH);
        if (lengths.isEmpty()) {
            return -1;
        }
        String length = lengths.getFirst();
        boolean number =
                !length.isEmpty() && length.length() <= 18 && length.chars().allMatch(c -> c >= '0' && c <= '9');
        if (!number || new HashSet<>(lengths).size() > 1) {
            throw malformed("a bad Content-Length");
        }
        return Long.parseLong(length);
    }

    private static String lastOf(List<String> values) {
        if (values.isEmpty()) {
            return "";
        }
        String[] items = values.getLast().split(",", -1);
        return items[items.length - 1].strip().toLowerCase(Locale.ROOT);
    }

    /** True when a comma-separated header lists {@code item}, in any case. */
    static boolean listed(List<String> values, String item) {
        for (String value : values) {
            for (String part : value.split(",", -1)) {
                if (part.strip().equalsIgnoreCase(item)) {
                    return true;
                }
            }
        }
        return false;
    }

    private static IOException malformed(String what) {
        return new IOException("malformed answer: " + what);
    }
}
