package bestfit.load;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** A connection of the truth server: cuts requests out of what came, and keeps what a full socket did not take. */
final class TruthConnection {
    private static final String END_OF_HEAD = "\r\n\r\n";
    private static final int MOST_BYTES = 64 << 20;

    private final SocketChannel channel;
    private byte[] bytes = new byte[4096];
    private int length;
    private @Nullable ByteBuffer unwritten;

    TruthConnection(SocketChannel channel) {
        this.channel = channel;
    }

    /** A complete request. */
    record Request(String path, String body) {}

    int read(ByteBuffer into) throws IOException {
        return channel.read(into);
    }

    void append(ByteBuffer in) throws IOException {
        int more = in.remaining();
        if (length + more > MOST_BYTES) {
            throw new IOException("request too large");
        }
        if (length + more > bytes.length) {
            bytes = Arrays.copyOf(bytes, Math.max(2 * bytes.length, length + more));
        }
        in.get(bytes, length, more);
        length += more;
    }

    /** The next request that is there as a whole. */
    @Nullable
    Request next() throws IOException {
        var text = new String(bytes, 0, length, StandardCharsets.ISO_8859_1);
        int head = text.indexOf(END_OF_HEAD);
        if (head < 0) {
            return null;
        }
        var lines = text.substring(0, head).split("\r\n", -1);
        var words = lines[0].split(" ", -1);
        if (words.length < 2) {
            throw new IOException("not HTTP");
        }
        int start = head + END_OF_HEAD.length();
        int size = 0;
        for (var line : lines) {
            var lower = line.toLowerCase(Locale.ROOT);
            if (lower.startsWith("content-length:")) {
                size = Integer.parseInt(lower.substring(15).strip());
            } else if (lower.startsWith("transfer-encoding:")) {
                throw new IOException("a chunked request body is not read");
            }
        }
        if (length < start + size) {
            return null;
        }
        var body = new String(bytes, start, size, StandardCharsets.UTF_8);
        length -= start + size;
        System.arraycopy(bytes, start + size, bytes, 0, length);
        return new Request(words[1].split("\\?", 2)[0], body);
    }

    void respond(SelectionKey key, int status, String json) throws IOException {
        write(
                key,
                ByteBuffer.wrap(TruthServer.ascii("HTTP/1.1 " + status + " " + (status == 200 ? "OK" : "Error")
                        + "\r\nContent-Type: application/json\r\nContent-Length: " + json.length() + END_OF_HEAD
                        + json)));
    }

    /** Writes what the socket takes and keeps the rest; false if there is a rest. */
    boolean write(SelectionKey key, ByteBuffer out) throws IOException {
        var before = unwritten;
        if (before == null) {
            channel.write(out);
            if (!out.hasRemaining()) {
                return true;
            }
        }
        int kept = before == null ? 0 : before.remaining();
        var rest = ByteBuffer.allocate(kept + out.remaining());
        if (before != null) {
            rest.put(before);
        }
        unwritten = rest.put(out).flip();
        key.interestOps(SelectionKey.OP_READ | SelectionKey.OP_WRITE);
        return false;
    }

    void flush(SelectionKey key) throws IOException {
        var rest = unwritten;
        if (rest != null) {
            channel.write(rest);
            if (!rest.hasRemaining()) {
                unwritten = null;
                key.interestOps(SelectionKey.OP_READ);
            }
        }
    }
}
