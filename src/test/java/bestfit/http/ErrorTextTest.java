package bestfit.http;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class ErrorTextTest {
    @Test
    void htmlPage_isItsTextOnOneLine() {
        var page = """
                <!DOCTYPE HTML>
                <html><head><title>Error</title><style>a { b }</style></head>
                <body><h1>Error</h1>
                <p>Unsupported method ('POST')</p></body></html>
                """;
        assertThat(ErrorText.oneLine(page)).isEqualTo("Error Unsupported method ('POST')");
    }

    @Test
    void longTextIsCut_andNothingIsSaidInWords() {
        assertThat(ErrorText.oneLine("x\n".repeat(1000))).hasSize(201).endsWith("…");
        assertThat(ErrorText.oneLine("\n")).isEqualTo("an empty answer");
        assertThat(ErrorText.oneLine("2 < 3 and 4 > 1")).isEqualTo("2 < 3 and 4 > 1");
    }
}
