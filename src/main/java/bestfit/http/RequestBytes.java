package bestfit.http;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Map;

/** A request as it goes over the wire. */
final class RequestBytes {
    private RequestBytes() {}

    /** @throws IllegalArgumentException if a header has a line break */
    static byte[] of(String method, Origin origin, Map<String, String> headers, byte[] body) {
        StringBuilder head = new StringBuilder(256)
                .append(method)
                .append(' ')
                .append(origin.target())
                .append(" HTTP/1.1\r\n");
        header(head, "Host", origin.hostHeader());
        headers.forEach((name, value) -> header(head, name, value));
        header(head, "Content-Length", Integer.toString(body.length));
        byte[] start = head.append("\r\n").toString().getBytes(StandardCharsets.ISO_8859_1);
        byte[] whole = Arrays.copyOf(start, start.length + body.length);
        System.arraycopy(body, 0, whole, start.length, body.length);
        return whole;
    }

    private static void header(StringBuilder head, String name, String value) {
        if (name.isEmpty() || hasLineBreak(name) || hasLineBreak(value)) {
            throw new IllegalArgumentException("a header with a line break: " + name);
        }
        head.append(name).append(": ").append(value).append("\r\n");
    }

    private static boolean hasLineBreak(String text) {
        return text.indexOf('\r') >= 0 || text.indexOf('\n') >= 0;
    }
}
