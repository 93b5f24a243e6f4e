package bestfit.grammar;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import bestfit.config.Json;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class GrammarTest {
    private static boolean accepts(Grammar grammar, String text) {
        var end = grammar.start().after(text.getBytes(StandardCharsets.UTF_8));
        return end != null && end.mayEnd();
    }

    private static Grammar schema(String schema) throws GrammarException {
        return Grammar.jsonSchema(Json.parse(schema));
    }

    /** A text that a grammar lets through, byte for byte at random; null where it has not ended after {@code most} of them. */
    private static @Nullable String wander(Grammar grammar, SplittableRandom random, int most) {
        var text = new byte[most];
        var state = grammar.start();
        for (int length = 0; length < most; length++) {
            if (state.mayEnd() && random.nextInt(4) == 0) {
                return new String(text, 0, length, StandardCharsets.UTF_8);
            }
            var next = new ArrayList<Byte>();
            for (int value = 0; value < 256; value++) {
                if (state.after((byte) value) != null) {
                    next.add((byte) value);
                }
            }
            if (next.isEmpty()) {
                return state.mayEnd() ? new String(text, 0, length, StandardCharsets.UTF_8) : null;
            }
            text[length] = next.get(random.nextInt(next.size()));
            state = state.after(text[length]);
            if (state == null) {
                throw new AssertionError("a byte that can come has nothing behind it");
            }
        }
        return null;
    }

    @Test
    void choice_isOneOfItsTexts() {
        var grammar = Grammar.choice(List.of("yes", "no", "née", ""));
        assertThat(List.of("yes", "no", "née", "")).allMatch(text -> accepts(grammar, text));
        assertThat(List.of("y", "yesno", "ne", "nee")).noneMatch(text -> accepts(grammar, text));
    }

    /** Java's own expressions are the judge, over texts near the expression. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "[0-9]{3}-[a-c]+",
                "a|bc|",
                "(ab)*c?",
                "[^a]",
                "(a{0,2}b?){2}",
                "((a*)b?)*c",
                "a.c",
                "[a\\-\\]]+",
                "\\d{2,}\\.?",
                "(?:ab|a)(b|c){1,2}",
                "(?<word>a)+?b",
                "\\w\\d\\W",
                "[é-ü]+",
                "\\u00e9\\x61",
                "^ab$",
                "[\\d-]+",
                "(a|aa)*b"
            })
    void regex_matchesWhatTheSameExpressionDoesInJava(String regex) throws GrammarException {
        var grammar = Grammar.regex(regex);
        var pattern = Pattern.compile(regex, Pattern.DOTALL);
        var random = new SplittableRandom(5);
        var alphabet = "aabbccd01239-.]é ü\n_";
        int matched = 0;
        for (int i = 0; i < 3_000; i++) {
            var text = new StringBuilder();
            for (int length = random.nextInt(8); length > 0; length--) {
                text.append(alphabet.charAt(random.nextInt(alphabet.length())));
            }
            var wandered = i % 2 == 0 ? wander(grammar, random, 40) : null;
            var tried = wandered == null ? text.toString() : wandered;
            assertThat(accepts(grammar, tried))
                    .as("'%s'", tried)
                    .isEqualTo(pattern.matcher(tried).matches());
            matched += accepts(grammar, tried) ? 1 : 0;
        }
        assertThat(matched).isGreaterThan(100);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "(; unclosed group",
                "a); unopened group",
                "[a; unclosed character class",
                "(?=a)b; look-around",
                "(?<!a)b; look-around",
                "(a)\\1; backreferences are not supported",
                "\\bfoo; word boundaries",
                "\\p{L}; Unicode classes",
                "a{3,2}; the start must be <= the end",
                "*a; repetition operator missing expression",
                "a**; two repetition operators",
                "a{,2}; expects a valid decimal",
                "[z-a]; invalid character class range",
                "\\xg1; invalid hexadecimal digit",
                "\\q; unrecognized escape sequence",
                "(?i)a; flags of groups",
                "((a{0,1000}b?){0,1000}c?){0,9}; compiled regex exceeds size limit",
                "a{2; unclosed counted repetition"
            })
    void regex_thatIsWrongOrUnknown_saysWhere(String regex, String said) {
        assertThatThrownBy(() -> Grammar.regex(regex))
                .isInstanceOf(GrammarException.class)
                .hasMessageContaining(said)
                .hasMessageContaining("invalid regex")
                .hasMessageContaining("^");
    }

    @Test
    void jsonObject_isAnyObject_andNothingElse() {
        var grammar = Grammar.jsonObject();
        for (var text :
                List.of("{}", "{ }", "{\"a\" : 1.5e-3 , \"\\u00e9\\n\":[true, null,{\"b\":[]}]}", "{\"a\":-0}")) {
            assertThat(accepts(grammar, text)).as(text).isTrue();
        }
        for (var text : List.of(
                "",
                "[]",
                "{\"a\":01}",
                "{\"a\":1.}",
                "{a:1}",
                "{\"a\":1,}",
                "{\"\n\":1}",
                "{\"a\":\"\\x\"}",
                "{} ",
                " {}")) {
            assertThat(accepts(grammar, text)).as(text).isFalse();
        }
    }

    /** Nested counts multiply; only what a text comes to is built. */
    @ParameterizedTest
    @ValueSource(
            strings = {"((a{0,40}b?){0,40}c?){0,40}", "(.*a.*){40}", "((a|b|ab)*c?)*d", "(\\w{1,64}\\.){1,32}\\w{2,9}"})
    void patternsThatExplodeElsewhere_areFollowedAtOnce(String regex) throws GrammarException {
        var state = Grammar.regex(regex).start();
        for (int i = 0; i < 60 && state != null; i++) {
            state = state.after((byte) (i % 7 == 6 && regex.contains("w") ? '.' : 'a'));
        }
        assertThat(state).isNotNull();
    }

    @Test
    void hugeBounds_areWrittenDigitByDigit() throws GrammarException {
        var grammar = schema("{\"type\":\"number\",\"minimum\":-123456789012345678901234567890,\"maximum\":1e29}");
        assertThat(accepts(grammar, "-123456789012345678901234567890")).isTrue();
        assertThat(accepts(grammar, "-123456789012345678901234567891")).isFalse();
        assertThat(accepts(grammar, "99999999999999999999999999999.999999")).isTrue();
    }

    @Test
    void deepJson_needsNoStackOfTheThread() {
        var deep = "{\"a\":" + "[".repeat(100_000);
        assertThat(Grammar.jsonObject().start().after(deep.getBytes(StandardCharsets.UTF_8)))
                .isNotNull();
    }

    /** What comes out of a grammar at random is JSON of its schema. */
    @Test
    void texts_areJsonOfTheirSchema() throws GrammarException {
        var person = schema("""
                {"type":"object","properties":{"name":{"type":"string","minLength":1,"maxLength":4},"age":{"type":"integer","minimum":0,"maximum":120},
                 "tags":{"type":"array","items":{"enum":["a","b"]},"minItems":1,"maxItems":3},"boss":{"anyOf":[{"$ref":"#"},{"type":"null"}]}},
                 "required":["name","tags"]}""");
        var random = new SplittableRandom(1);
        int ended = 0;
        for (int i = 0; i < 2_000; i++) {
            var text = wander(person, random, 300);
            if (text != null) {
                var json = Json.parse(text);
                ended++;
                var name = json.path("name").asString();
                assertThat(name.codePointCount(0, name.length())).as(text).isBetween(1, 4);
                assertThat(json.path("tags").size()).as(text).isBetween(1, 3);
                assertThat(json.path("age").asInt(0)).as(text).isBetween(0, 120);
                assertThat(json.propertyNames()).as(text).isSubsetOf("name", "age", "tags", "boss");
            }
        }
        assertThat(ended).isGreaterThan(200);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"null\"},\"b\":{\"type\":\"null\"}},\"required\":[\"b\"]}; {\"a\":null,\"b\":null}, {\"b\":null}; {}, {\"b\":null,\"a\":null}, {\"b\":null,\"c\":null}",
                "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"null\"}},\"additionalProperties\":{\"type\":\"integer\"}}; {}, {\"a\":null,\"b\":1}, {\"ab\":1}; {\"a\":1}, {\"b\":null}",
                "{\"type\":\"object\",\"additionalProperties\":{\"type\":\"null\"},\"minProperties\":1,\"maxProperties\":2}; {\"a\":null}, {\"a\":null,\"b\":null}; {}, {\"a\":null,\"b\":null,\"c\":null}",
                "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"null\"},\"b\":{\"type\":\"null\"},\"c\":{\"type\":\"null\"}},\"minProperties\":2,\"maxProperties\":2}; {\"a\":null,\"c\":null}, {\"b\":null,\"c\":null}; {\"a\":null}, {\"a\":null,\"b\":null,\"c\":null}",
                "{\"type\":\"object\",\"patternProperties\":{\"^x[0-9]$\":{\"type\":\"null\"}}}; {}, {\"x1\":null}; {\"y1\":null}",
                "{\"type\":\"array\",\"prefixItems\":[{\"type\":\"null\"},{\"enum\":[1]}]}; [], [null], [null,1]; [1], [null,1,1]",
                "{\"type\":\"array\",\"prefixItems\":[{\"type\":\"null\"}],\"items\":{\"enum\":[1]},\"minItems\":2,\"maxItems\":3}; [null,1], [null,1,1]; [null], [null,1,1,1]",
                "{\"enum\":[\"é\\n\",{\"a\":[1,2]}]}; \"é\\n\", {\"a\":[1,2]}; {\"a\": [1,2]}, \"e\"",
                "{\"type\":\"string\",\"pattern\":\"^a\\\"b+$\"}; \"a\\\"b\", \"a\\\"bb\"; \"a\"b\", \"ab\"",
                "{\"type\":\"string\",\"format\":\"date\"}; \"2026-11-29\"; \"2026-13-01\", \"26-11-29\"",
                "{\"type\":\"string\",\"format\":\"duration\"}; \"P1Y2M\", \"PT3H4M5S\", \"P2W\"; \"P\", \"PT\"",
                "{\"type\":\"string\",\"format\":\"email\"}; \"a.b@c.de\"; \"a@\", \"@c\"",
                "{\"type\":\"string\",\"format\":\"ipv6\"}; \"::1\", \"1:2:3:4:5:6:7:8\", \"fe80::\"; \"1:2\", \":1\"",
                "{\"type\":\"string\",\"format\":\"uri-template\"}; \"/a/{b,c*}\"; \"/a/{\"",
                "{\"type\":\"string\",\"format\":\"ipv4\"}; \"127.0.0.1\", \"255.255.255.255\"; \"256.0.0.1\"",
                "{\"type\":[\"integer\",\"null\"]}; 0, -7, null; -0, 07, \"a\"",
                "{\"$ref\":\"#/$defs/a~1b\",\"$defs\":{\"a/b\":{\"const\":3}}}; 3; 4"
            })
    void schema_takesWhatFits_andNothingElse(String schema, String fitting, String other) throws GrammarException {
        var grammar = schema(schema);
        for (var text : fitting.split(", ", -1)) {
            assertThat(accepts(grammar, text)).as(text).isTrue();
        }
        for (var text : other.split(", ", -1)) {
            assertThat(accepts(grammar, text)).as(text).isFalse();
        }
    }

    private static Grammar between(String type, @Nullable String least, @Nullable String most) throws GrammarException {
        var bounds = (least == null ? "" : ",\"minimum\":" + least) + (most == null ? "" : ",\"maximum\":" + most);
        return schema("{\"type\":\"" + type + "\"" + bounds + "}");
    }

    @ParameterizedTest
    @CsvSource({"3,117", "-20,-3", "-7,42", "0,0", "-1000,1000", "-9999,9998", "99,101", "10,10", ",5", "-3,", "1,"})
    void integers_areThoseBetweenTheBounds(@Nullable String least, @Nullable String most) throws GrammarException {
        var grammar = between("integer", least, most);
        for (int number = -12_000; number <= 12_000; number++) {
            boolean between = (least == null || number >= Integer.parseInt(least))
                    && (most == null || number <= Integer.parseInt(most));
            assertThat(accepts(grammar, String.valueOf(number)))
                    .as("%d", number)
                    .isEqualTo(between);
        }
        assertThat(accepts(grammar, "007")).isFalse();
        assertThat(accepts(grammar, "-0")).isFalse();
    }

    @ParameterizedTest
    @CsvSource({"0,1.5", "-2.25,3", "0.001,0.01", "-1,", ",-0.5", "12.5,12.5", "0,99.999", "-10.25,1e9"})
    void numbers_areThoseBetweenTheBounds(@Nullable String least, @Nullable String most) throws GrammarException {
        var grammar = between("number", least, most);
        var random = new SplittableRandom(2);
        for (int i = 0; i < 20_000; i++) {
            int decimals = random.nextInt(4);
            var number = BigDecimal.valueOf(random.nextLong(-30_000, 30_001), decimals);
            boolean between = (least == null || number.compareTo(new BigDecimal(least)) >= 0)
                    && (most == null || number.compareTo(new BigDecimal(most)) <= 0);
            assertThat(accepts(grammar, number.toPlainString()))
                    .as(number.toPlainString())
                    .isEqualTo(between);
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "{\"type\":\"bogus\"}; Invalid type: bogus",
                "{\"type\":\"array\",\"uniqueItems\":true}; Unimplemented keys: [\"uniqueItems\"]",
                "{\"not\":{}}; Unimplemented keys: [\"not\"]",
                "{\"type\":\"string\",\"format\":\"bogus\"}; Unknown format: bogus",
                "{\"$ref\":\"#/nope\"}; Pointer '/nope' does not exist",
                "{\"$ref\":\"http://x/y\"}; $ref http://x/y is not supported",
                "{\"type\":\"integer\",\"minimum\":5,\"maximum\":3}; minimum (5) is greater than maximum (3)",
                "{\"enum\":[]}; anyOf is empty",
                "{\"type\":\"string\",\"pattern\":\"(\"}; unclosed group",
                "{\"type\":\"string\",\"minLength\":-1}; minLength should be a whole number",
                "{\"allOf\":[{},{}]}; allOf of 2 schemas",
                "3; schema should be an object or boolean",
                "{\"type\":\"integer\",\"minimum\":1e400}; minimum should be a number from",
                "{\"type\":\"string\",\"maxLength\":1.5}; maxLength should be a whole number",
                "{\"type\":\"object\",\"minProperties\":2,\"properties\":{\"a\":{}}}; minProperties is greater"
            })
    void schema_thatIsWrongOrUnknown_saysWhat(String schema, String said) {
        assertThatThrownBy(() -> schema(schema))
                .isInstanceOf(GrammarException.class)
                .hasMessageContaining(said);
    }

    @Test
    void tokens_areThoseThatCanComeNext() {
        var tokens = List.of("", "y", "ye", "yes", "es", "s", "no", "n", "o", "yesno", "é", "y").stream()
                .map(text -> text.getBytes(StandardCharsets.UTF_8))
                .toArray(byte[][]::new);
        int end = 0;
        var answer =
                new TokenGrammar(Grammar.choice(List.of("yes", "no")), new Vocabulary(tokens)).begin(new int[] {end});
        assertThat(answer.fitting()).hasToString("{1, 2, 3, 6, 7, 11}");
        answer.take(2);
        assertThat(answer.fitting()).hasToString("{5}");
        answer.take(5);
        assertThat(answer.fitting()).hasToString("{0}");
        answer.take(end);
        assertThat(answer.fitting()).as("behind the end anything can come").isNull();
    }

    /** Every set of tokens is the one that trying each token alone gives. */
    @Test
    void tokens_foundTogether_areThoseFoundOneByOne() throws GrammarException {
        var random = new SplittableRandom(3);
        var alphabet = "ab1{}[]\",: é";
        var tokens = new byte[400][];
        for (int id = 0; id < tokens.length; id++) {
            var text = new StringBuilder();
            for (int length = random.nextInt(5); length > 0; length--) {
                text.append(alphabet.charAt(random.nextInt(alphabet.length())));
            }
            tokens[id] = text.toString().getBytes(StandardCharsets.UTF_8);
        }
        var vocabulary = new Vocabulary(tokens);
        var grammar = schema("{\"type\":\"object\",\"additionalProperties\":{\"type\":\"array\"}}");
        var state = grammar.start();
        for (int step = 0; step < 200 && state != null; step++) {
            var fitting = vocabulary.fitting(state);
            for (int id = 0; id < tokens.length; id++) {
                assertThat(fitting.get(id)).isEqualTo(tokens[id].length > 0 && state.after(tokens[id]) != null);
            }
            var ids = fitting.stream().toArray();
            state = ids.length == 0 ? null : state.after(tokens[ids[random.nextInt(ids.length)]]);
        }
    }
}
