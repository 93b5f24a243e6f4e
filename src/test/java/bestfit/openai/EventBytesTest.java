package bestfit.openai;

import static org.assertj.core.api.Assertions.assertThat;

import bestfit.config.Json;
import java.nio.charset.StandardCharsets;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class EventBytesTest {
    private static String text(EventBytes bytes) {
        return new String(bytes.array(), 0, bytes.length(), StandardCharsets.UTF_8);
    }

    /** Every character that JSON escapes, beside some that it does not, in strings longer than the first array. */
    @Test
    void quotedTextIsJsonThatReadsBackAsItWas() {
        var random = new SplittableRandom(5);
        var alphabet = IntStream.concat(
                        IntStream.rangeClosed(0, 0x80),
                        IntStream.of('é', 'ß', 0x7FF, 0x800, '漢', 0xFFFD, 0x1F600, 0x10FFFF))
                .toArray();
        var bytes = new EventBytes();
        for (int round = 0; round < 500; round++) {
            var text = new StringBuilder();
            for (int i = random.nextInt(1200); i > 0; i--) {
                text.appendCodePoint(alphabet[random.nextInt(alphabet.length)]);
            }
            bytes.clear();
            bytes.quote(text.toString());
            assertThat(Json.parse(text(bytes)).asString()).isEqualTo(text.toString());
        }
    }

    @Test
    void escapesAreThoseOfVllmsServer() {
        assertThat(text(new EventBytes().quote("\"\\\n\r\t\b\f\u0000\u001f\u007f/é")))
                .isEqualTo("\"\\\"\\\\\\n\\r\\t\\b\\f\\u0000\\u001f\u007f/é\"");
    }

    @Test
    void numbersOfAnySize() {
        var bytes = new EventBytes();
        for (int number : new int[] {0, 9, 10, 99, 1_000_000, Integer.MAX_VALUE, -1, Integer.MIN_VALUE}) {
            bytes.append(number).append(' ');
        }
        assertThat(text(bytes)).isEqualTo("0 9 10 99 1000000 2147483647 -1 -2147483648 ");
    }

    @Test
    void halfASurrogatePairIsAQuestionMark() {
        assertThat(text(new EventBytes().quote("a\uD83D"))).isEqualTo("\"a?\"");
    }
}
