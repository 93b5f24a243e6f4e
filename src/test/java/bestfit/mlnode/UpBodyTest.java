package bestfit.mlnode;

import static org.assertj.core.api.Assertions.assertThat;

import bestfit.config.Json;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class UpBodyTest {
    private static final String GOOD =
            "{\"model\":\"m\",\"dtype\":\"auto\",\"additional_args\":[\"-tp\",\"2\"],\"more\":1}";

    private static UpBody read(Optional<String> contentType, String body) {
        return UpBody.read(contentType, body.getBytes(StandardCharsets.UTF_8));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "application/json", "application/json; charset=utf-8", "application/vnd.api+json"})
    void json_withAndWithoutContentType(String contentType) {
        var type = contentType.isEmpty() ? Optional.<String>empty() : Optional.of(contentType);
        assertThat(read(type, GOOD)).isEqualTo(new UpBody.Valid(new UpRequest("m", "auto", List.of("-tp", "2"))));
    }

    @ParameterizedTest
    @ValueSource(strings = {"text/plain", "application/x-www-form-urlencoded"})
    void otherTypes_areNoObject(String contentType) {
        var problem = problems(read(Optional.of(contentType), GOOD));
        assertThat(problem).contains("\"type\":\"model_attributes_type\",\"loc\":[\"body\"]");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            {"model":"m"}                                              | "type":"missing","loc":["body","dtype"],"msg":"Field required"
            {"model":null,"dtype":"auto"}                              | "type":"string_type","loc":["body","model"],"msg":"Input should be a valid string","input":null
            {"model":"m","dtype":"auto","additional_args":["a",2]}     | "type":"string_type","loc":["body","additional_args",1],"msg":"Input should be a valid string","input":2
            {"model":"m","dtype":"auto","additional_args":null}        | "type":"list_type","loc":["body","additional_args"],"msg":"Input should be a valid list","input":null
            {"model":"-cc.backend=x","dtype":"auto"}                   | "type":"value_error","loc":["body","model"],"msg":"Value error, a model does not begin with a dash, as flags do","input":"-cc.backend=x"
            {"model":"m","dtype":"--x"}                                | "type":"value_error","loc":["body","dtype"]
            [1]                                                        | "type":"model_attributes_type","loc":["body"]
            {"model":                                                  | "type":"json_invalid","loc":["body",9],"msg":"JSON decode error","input":{}
            {model}                                                    | "type":"json_invalid","loc":["body",1],"msg":"JSON decode error","input":{}
            """)
    void problems_haveTypeAndPlace(String body, String expected) {
        assertThat(problems(read(Optional.empty(), body))).contains(expected);
    }

    /** Words and offsets of Python 3.11's {@code json.loads}. */
    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            {"a":1,}    | 7 | Expecting property name enclosed in double quotes
            {'a':1}     | 1 | Expecting property name enclosed in double quotes
            {"a" 1}     | 5 | Expecting ':' delimiter
            {"a":1 "b"} | 7 | Expecting ',' delimiter
            [1,]        | 3 | Expecting value
            {"a":"b     | 5 | Unterminated string starting at
            {} x        | 3 | Extra data
            {"a":01}    | 6 | Expecting ',' delimiter
            {"a":"\\x"}  | 6 | Invalid \\escape
            """)
    void brokenJson_isToldAsPythonDoes(String body, int position, String message) {
        var problem = problems(read(Optional.empty(), body));
        assertThat(problem)
                .contains("\"loc\":[\"body\"," + position + "]")
                .contains("\"ctx\":{\"error\":\"" + message.replace("\\", "\\\\") + "\"}");
    }

    private static final String READ = "{\"model\":\"m\",\"dtype\":\"d\"";

    /** What Python's {@code json} reads though it is no JSON, or JSON of a kind that others refuse. */
    @Test
    void whatPythonTakes_isTaken() {
        var deep = "[".repeat(600) + "]".repeat(600);
        for (var more : List.of("NaN", "[-Infinity, Infinity]", "1e999", "1".repeat(4300), deep, "\"\\ud800\"")) {
            assertThat(read(Optional.empty(), READ + ",\"x\":" + more + "}"))
                    .as(more)
                    .isEqualTo(new UpBody.Valid(new UpRequest("m", "d", List.of())));
        }
        assertThat(read(Optional.empty(), READ + ",\"model\":\"last\"}"))
                .isEqualTo(new UpBody.Valid(new UpRequest("last", "d", List.of())));
        for (var encoding : List.of("UTF-8", "UTF-16", "UTF-16LE", "UTF-16BE", "UTF-32LE", "UTF-32BE")) {
            var mark = encoding.equals("UTF-16") ? "" : "\ufeff";
            for (var text : List.of(mark + READ + "}", READ + "}")) {
                assertThat(UpBody.read(Optional.empty(), text.getBytes(Charset.forName(encoding))))
                        .as(encoding)
                        .isEqualTo(new UpBody.Valid(new UpRequest("m", "d", List.of())));
            }
        }
    }

    /** FastAPI's answer where Python fails by another error than that of the syntax. */
    @Test
    void whatPythonCannotRead_isRefusedWithout422() {
        var unread = new UpBody.Invalid(400, Json.object().put("detail", "There was an error parsing the body"));
        assertThat(UpBody.read(Optional.empty(), new byte[] {'"', (byte) 0xff, '"'}))
                .isEqualTo(unread);
        assertThat(read(Optional.empty(), "1".repeat(4301))).isEqualTo(unread);
        assertThat(read(Optional.empty(), "[".repeat(100_000))).isEqualTo(unread);
    }

    @Test
    void whatJsonCannotTell_isToldAsNull() {
        assertThat(problems(read(Optional.empty(), "{\"model\":NaN,\"dtype\":\"d\"}")))
                .contains("\"loc\":[\"body\",\"model\"],\"msg\":\"Input should be a valid string\",\"input\":null");
        assertThat(problems(read(
                        Optional.empty(), "{\"model\":\"m\",\"dtype\":" + "[".repeat(890) + "]".repeat(890) + "}")))
                .contains("[null]");
        assertThat(problems(read(Optional.empty(), "{\"model\":\"\\ud800\",\"dtype\":\"d\"}")))
                .contains("\"type\":\"string_unicode\",\"loc\":[\"body\",\"model\"]");
    }

    @Test
    void everyProblem_isTold() {
        assertThat(problems(read(Optional.empty(), "{}")))
                .contains("[\"body\",\"model\"]")
                .contains("[\"body\",\"dtype\"]");
        assertThat(problems(read(Optional.empty(), "")))
                .isEqualTo(
                        "{\"detail\":[{\"type\":\"missing\",\"loc\":[\"body\"],\"msg\":\"Field required\",\"input\":null}]}");
    }

    private static String problems(UpBody body) {
        assertThat(body).isInstanceOf(UpBody.Invalid.class);
        return ((UpBody.Invalid) body).answer().toString();
    }
}
