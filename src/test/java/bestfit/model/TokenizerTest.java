package bestfit.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.text.Normalizer;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class TokenizerTest {
    private static final Tokenizer TINY = Tokenizer.load(Models.find("tiny"));

    @Test
    void idsAreThoseOfTheTokenizersLibrary() {
        assertThat(TINY.vocabularySize()).isEqualTo(2048);
        assertThat(TINY.encode("The quick brown fox doesn't jump 12345 times."))
                .containsExactly(
                        1818, 220, 511, 932, 297, 325, 797, 282, 78, 87, 1913, 751, 1000, 84, 323, 220, 16, 17, 18, 19,
                        20, 670, 82, 13);
        assertThat(TINY.encode("def main(args):\n\n    return [x for x in args]\r\n"))
                .containsExactly(318, 532, 262, 1870, 1746, 258, 322, 530, 87, 354, 757, 304, 785, 60, 201, 198);
        assertThat(TINY.encode("  naïve café  日本語 😀🎉   end "))
                .containsExactly(
                        220, 291, 64, 127, 107, 385, 1134, 69, 127, 102, 220, 220, 162, 245, 98, 162, 250, 105, 164,
                        103, 252, 220, 172, 253, 246, 222, 172, 253, 236, 231, 256, 967, 220);
        assertThat(TINY.encode("<|im_start|>user\nHELLO World's<|im_end|>\n"))
                .containsExactly(2046, 1635, 198, 39, 36, 43, 1118, 752, 267, 1424, 763, 2047, 198);
        assertThat(TINY.encode("\u00a0wide\u3000space\u2003x y\t\tz"))
                .containsExactly(126, 254, 86, 72, 277, 159, 222, 222, 1091, 158, 222, 225, 87, 627, 197, 197, 89);
    }

    @Test
    void anyTextComesBack() {
        var random = new Random(1);
        var ranges = new int[][] {{' ', '~'}, {0xa1, 0x17f}, {0x400, 0x4ff}, {0x4e00, 0x4fff}, {0x1f600, 0x1f64f}};
        for (int round = 0; round < 200; round++) {
            var text = new StringBuilder();
            for (int i = 0; i < 60; i++) {
                var range = ranges[random.nextInt(ranges.length)];
                text.appendCodePoint(range[0] + random.nextInt(range[1] - range[0] + 1));
                text.append(" \n\t".repeat(random.nextInt(2)));
            }
            var composed = Normalizer.normalize(text, Normalizer.Form.NFC);
            var ids = TINY.encode(composed);
            assertThat(TINY.decode(ids, false)).isEqualTo(composed);
            assertThat(ids.length).isEqualTo(TINY.tokenCount(composed));
        }
    }

    @Test
    void aStreamGivesWholeCharactersOnly() {
        var stream = TINY.stream(true);
        var text = new StringBuilder();
        for (int id : TINY.encode("naïve 😀 日本 text")) {
            var piece = stream.add(id);
            assertThat(piece).doesNotContain("\uFFFD");
            assertThat(piece.isEmpty() || !Character.isHighSurrogate(piece.charAt(piece.length() - 1)))
                    .isTrue();
            text.append(piece);
        }
        assertThat(text.append(stream.finish())).hasToString("naïve 😀 日本 text");
        var cut = TINY.encode("😀");
        var half = TINY.stream(true);
        assertThat(half.add(cut[0])).isEmpty();
        assertThat(half.finish()).isEqualTo("\uFFFD");
        assertThat(half.add(TINY.encode("a")[0])).isEqualTo("a");
    }

    @Test
    void aChatIsRenderedAndItsMarksAreSpecial() {
        var prompt =
                TINY.chatPrompt(List.of(new ChatMessage("system", "Be short."), new ChatMessage("user", "Hi")), true);
        assertThat(prompt).isEqualTo("""
                        <|im_start|>system
                        Be short.<|im_end|>
                        <|im_start|>user
                        Hi<|im_end|>
                        <|im_start|>assistant
                        """);
        var ids = TINY.encode(prompt, false);
        assertThat(ids[0]).isEqualTo(2046);
        assertThat(ids).contains(2047);
        assertThat(TINY.isSpecial(2047)).isTrue();
        assertThat(TINY.decode(ids, false)).isEqualTo(prompt);
        assertThat(TINY.decode(ids, true)).isEqualTo("system\nBe short.\nuser\nHi\nassistant\n");
    }
}
