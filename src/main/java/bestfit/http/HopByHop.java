package bestfit.http;

import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/** Heads as a relay passes them on: without the headers that concern one connection only (RFC 9110, 7.6.1). */
final class HopByHop {
    private static final Set<String> NAMES = Set.of(
            "connection",
            "keep-alive",
            "proxy-connection",
            "proxy-authenticate",
            "proxy-authorization",
            "te",
            "trailer",
            "transfer-encoding",
            "upgrade");

    private HopByHop() {}

    /** What is left for the next hop, line by line; {@code Content-Length}, {@code Host} and {@code Expect} are left to the caller. */
    static StringBuilder append(StringBuilder head, HttpHeaders headers) {
        List<String> connection = headers.getAll(HttpHeaderNames.CONNECTION);
        for (Map.Entry<String, String> header : headers) {
            String name = header.getKey().toLowerCase(Locale.ROOT);
            boolean ours = name.equals("content-length") || name.equals("host") || name.equals("expect");
            if (!ours && !NAMES.contains(name) && !ResponseParser.listed(connection, name)) {
                line(head, header.getKey(), header.getValue());
            }
        }
        return head;
    }

    static void line(StringBuilder head, String name, String value) {
        head.append(name).append(": ").append(value).append("\r\n");
    }

    /** The bytes of a whole head, its empty line included. */
    static byte[] bytes(StringBuilder head) {
        return head.append("\r\n").toString().getBytes(StandardCharsets.ISO_8859_1);
    }
}
