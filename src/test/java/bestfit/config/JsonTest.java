package bestfit.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.charset.Charset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.MissingNode;

class JsonTest {
    private static final JsonMapper MAPPER = JsonMapper.shared();

    private static JacksonException broken(String text) {
        return catchThrowableOfType(JacksonException.class, () -> Json.parse(text));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{}",
                "[]",
                " [ null , true , false ] ",
                "{\"b\":1,\"a\":{\"d\":[],\"c\":{}},\"b\":[2]}",
                "[0,-0,2147483647,2147483648,9223372036854775807,9223372036854775808,-1e2,1.0,-0.0,1e400,0.1]",
                "\"\\u00e9\\ud83d\\ude00\\ud83d \\\"\\\\\\/\\b\\f\\n\\r\\t\\u0000\\u2028 é😀\"",
                "null",
                "-1",
                "",
                "  ",
            })
    void aDocument_isReadAndWritten_asByAMapper(String text) {
        var tree = Json.parse(text);
        assertThat(tree).isEqualTo(MAPPER.readTree(text));
        assertThat(Json.write(tree)).isEqualTo(MAPPER.writeValueAsString(tree));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "\uFEFF{}",
                "{\"a\":}",
                "{",
                "[1,",
                "[1}",
                "{\"a\" 1}",
                "[01]",
                "[NaN]",
                "[1]x",
                "\n\"a\nb\"",
                "\"\\x\"",
                "{'a':1}",
                "1.",
                "tru"
            })
    void aFault_isTold_asByAMapper(String text) {
        var told = catchThrowableOfType(JacksonException.class, () -> MAPPER.readTree(text));
        assertThat(broken(text)).hasMessage(told.getMessage());
        assertThat(broken(text).getLocation()).isEqualTo(told.getLocation());
    }

    @Test
    void nesting_hasAnEnd_inBothDirections() {
        assertThat(Json.parse("[".repeat(500) + "]".repeat(500)).isArray()).isTrue();
        assertThat(broken("[".repeat(501) + "]".repeat(501))).hasMessageContaining("nesting depth (501)");
        var deep = Json.array();
        for (int depth = 1; depth < 501; depth++) {
            deep = Json.array().add(deep);
        }
        var tooDeep = deep;
        assertThatThrownBy(() -> Json.write(tooDeep))
                .isInstanceOf(JacksonException.class)
                .hasMessageContaining("nesting depth (501)");
    }

    @Test
    void whatFollowsAValue_isAFault_atItsPlace() {
        assertThat(Json.problem(broken("{}\n {}")))
                .isEqualTo("More follows after the end of the value at line 2, column 2");
        assertThat(Json.problemOfLine(broken("1 2"))).isEqualTo("More follows after the end of the value at column 3");
    }

    @Test
    void whatJacksonTellsProgrammers_isNotTold() {
        assertThat(Json.problem(broken("[1")))
                .isEqualTo("Unexpected end-of-input: expected close marker for Array at line 1, column 3");
        assertThat(Json.problemOfLine(broken("[NaN]"))).isEqualTo("Non-standard token 'NaN' at column 5");
        assertThat(Json.problemOfLine(broken("[".repeat(501))))
                .isEqualTo("Document nesting depth (501) exceeds the maximum allowed (500)");
    }

    @ParameterizedTest
    @ValueSource(strings = {"UTF-8", "UTF-16BE", "UTF-16LE", "UTF-32BE", "UTF-32LE"})
    void bytes_areReadInTheirEncoding(String charset) {
        assertThat(Json.parse("{\"é\":\"😀\"}".getBytes(Charset.forName(charset)))
                        .path("é")
                        .asString())
                .isEqualTo("😀");
    }

    @Test
    void noBytes_areNoValue() {
        assertThat(Json.parse(new byte[0])).isSameAs(MissingNode.getInstance());
        assertThatThrownBy(() -> Json.parse(new byte[] {'"', (byte) 0xff, '"'})).isInstanceOf(JacksonException.class);
    }

    @Test
    void numbersThatAreNone_areReadOfPythonAlone_andWrittenAsText() {
        var read = Json.parsePython("[NaN,Infinity,-Infinity]");
        assertThat(read.get(0).doubleValue()).isNaN();
        assertThat(Json.write(read)).isEqualTo("[\"NaN\",\"Infinity\",\"-Infinity\"]");
    }

    @Test
    void eachKindOfValue_isWritten_asByAMapper() {
        var tree = Json.object().put("b", 1).putNull("a");
        tree.put("short", (short) 1).put("long", Long.MIN_VALUE).put("big", BigInteger.TWO.pow(70));
        tree.put("float", 0.1f)
                .put("double", 1e-7)
                .put("decimal", new BigDecimal("1E+30"))
                .put("zero", -0.0);
        tree.put("bytes", new byte[] {1, 2, 3, 4}).set("missing", MissingNode.getInstance());
        tree.put("key \"\n\u0001", "</script>\u007f\u2028\ud83d");
        assertThat(Json.write(tree)).isEqualTo(MAPPER.writeValueAsString(tree));
        assertThat(Json.write("a\"b")).isEqualTo("\"a\\\"b\"");
    }
}
