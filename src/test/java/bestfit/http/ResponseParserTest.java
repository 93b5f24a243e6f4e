package bestfit.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.handler.codec.http.HttpHeaders;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ResponseParserTest {
    private static final String HEAD = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

    /** Sizes in either case, with zeros before, of more digits than fit one look, with extensions; trailers; what is none of it. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "5\r\nhello\r\n0\r\n\r\n",
                "0005\r\nhello\r\n1\r\n!\r\n0\r\n\r\n",
                "c\r\nhello, world\r\nC\r\nhello, world\r\n000000\r\n\r\n",
                "10\r\nsixteen letters.\r\n01a\r\ntwenty-six letters, or so.\r\n0\r\n\r\n",
                "000000005\r\nhello\r\n00000000000000\r\n\r\n",
                "5;name=value\r\nhello\r\n0;last\r\n\r\n",
                "5 \r\nhello\r\n0\t\r\nTrailer: 1\r\n\r\n",
                "2\r\n\r\n\r\n0\r\n\r\n",
                "\r\n5\r\nhello\r\n0\r\n\r\n",
                "5\rhello\r\n0\r\n\r\n",
                "5\nhello\r\n0\r\n\r\n",
                "5\r\nhello!\r\n0\r\n\r\n",
                "5\r\nhello\n0\r\n\r\n",
                "-5\r\nhello\r\n0\r\n\r\n",
                "5g\r\nhello\r\n0\r\n\r\n",
                "0x5\r\nhello\r\n0\r\n\r\n",
                "10000000000000000\r\nhello",
                "5;a\nb\r\nhello\r\n0\r\n\r\n",
                "5\r\nhello\r\n0\r\n\r\nmore",
                "5\r\nhel"
            })
    void anAnswer_isTheSame_inWhateverPiecesItComes(String body) throws Exception {
        String whole = parsed(body, body.length());
        for (int piece = 1; piece < body.length(); piece++) {
            assertThat(parsed(body, piece)).as("in pieces of " + piece).isEqualTo(whole);
        }
    }

    /** What was found, then how it ended: complete, cut or refused. */
    private static String parsed(String body, int piece) throws IOException {
        var parser = new ResponseParser();
        var found = new StringBuilder();
        var sink = new ResponseParser.Sink() {
            @Override
            public void head(int status, HttpHeaders headers, int bodyFrom) {}

            @Override
            public void body(byte[] in, int from, int to) {
                found.append(new String(in, from, to - from, StandardCharsets.US_ASCII));
            }
        };
        parser.begin(false);
        byte[] head = HEAD.getBytes(StandardCharsets.US_ASCII);
        parser.feed(head, 0, head.length, sink);
        byte[] bytes = body.getBytes(StandardCharsets.US_ASCII);
        for (int from = 0; from < bytes.length; from += piece) {
            try {
                int next = parser.feed(bytes, from, Math.min(bytes.length, from + piece), sink);
                if (parser.complete()) {
                    return found + "|complete, left " + (bytes.length - next);
                }
            } catch (IOException refused) {
                return found + "|" + refused.getMessage();
            }
        }
        return found + "|cut";
    }
}
