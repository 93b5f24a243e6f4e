package bestfit.workload;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import bestfit.config.ConfigException;
import bestfit.config.ConfigReader;
import bestfit.config.Problems;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.OptionalInt;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class WorkloadTest {
    /** One word, one token. */
    private static final TokenCounter WORDS = new TokenCounter() {
        @Override
        public int count(String text) {
            return text.split(" ", -1).length;
        }

        @Override
        public OptionalInt countChat(String message) {
            return OptionalInt.of(count(message) + 5);
        }
    };

    @TempDir
    Path folder;

    private Workload read(String yaml) throws IOException {
        var problems = new Problems();
        var file = Files.writeString(folder.resolve("w.yml"), yaml);
        var readers = ConfigReader.ofFile(file, problems);
        var workload = Workload.read(readers.getFirst());
        problems.throwIfAny();
        return workload;
    }

    private Path file(String name, String... lines) throws IOException {
        return Files.write(folder.resolve(name), Arrays.asList(lines));
    }

    /** As PyYAML reads them, for compressa-perf's files; keys that a map has itself win. */
    @Test
    void aliasesAndMergedKeys_standForWhatTheirAnchorsMark() throws IOException {
        var workload = read("""
                name: "\ud83d\ude42"
                load: {<<: [{users: &n 8}, {users: 9, requests: 50}], requests: 40}
                prompt: &law {tokens: *n}
                output: *law
                """);
        assertThat(workload.load()).isEqualTo(new LoadShape.Users(8, Duration.ZERO));
        assertThat(workload.extent()).isEqualTo(new Extent.Requests(40));
        assertThatThrownBy(() -> read("name: *chat")).hasMessageContaining("nothing before *chat is marked &chat");
        var laughs = new StringBuilder("a0: &a0 [x]\n");
        IntStream.range(0, 30).forEach(i -> laughs.append("a%2$d: &a%2$d [*a%1$d, *a%1$d]\n".formatted(i, i + 1)));
        assertThatThrownBy(() -> read(laughs.toString())).hasMessageContaining("aliases make more than 100000 values");
    }

    @Test
    void everyKey_isRead() throws IOException {
        var workload = read("""
                name: chat
                seed: 7
                load: {users: 8, ramp_up: 2s, duration: 1m, warmup: 3}
                prompt: {tokens: "uniform:10,20", shared_prefix_tokens: 100, shared_prefixes: 2}
                output: {tokens: 30, exact: false}
                conversation: {turns: 3, think_time: 500ms}
                sampling: {temperature: 0.7, top_p: 0.9, top_k: 20, logprobs: 2, seed: 1}
                slo: {ttft_ms: 500}
                """);
        assertThat(workload.load()).isEqualTo(new LoadShape.Users(8, Duration.ofSeconds(2)));
        assertThat(workload.extent()).isEqualTo(new Extent.Lasting(Duration.ofMinutes(1)));
        assertThat(workload.exactOutput()).isFalse();
        assertThat(workload.slo()).isPresent();

        var source = PlannedRequests.of(workload, WORDS).conversations();
        var conversation = source.conversation(4);
        assertThat(conversation).isEqualTo(source.conversation(4)).isNotEqualTo(source.conversation(5));
        assertThat(conversation.turns()).hasSize(3).allMatch(turn -> turn.outputTokens() == 30);
        assertThat(WORDS.count(conversation.turns().get(0).message())).isBetween(110, 120);
        assertThat(WORDS.count(conversation.turns().get(1).message())).isBetween(10, 20);
        var prefixes = IntStream.range(0, 20)
                .mapToObj(i -> source.conversation(i).turns().getFirst().message())
                .map(text -> Arrays.asList(text.split(" ", -1)).subList(0, 100))
                .distinct();
        assertThat(prefixes).hasSize(2);
    }

    @Test
    void problems_areToldAllAtOnce() {
        assertThatThrownBy(() -> read("""
                        lode: {users: 1}
                        load: {users: -1, rate: 2, requsts: 5}
                        prompt: {tokens: "normal:5"}
                        endpoint: /x
                        conversation: {think_time: long}
                        """))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("lode: is not a known key; the nearest known is load")
                .hasMessageContaining("load.users: \"-1\"")
                .hasMessageContaining("load.rate: exactly one is needed")
                .hasMessageContaining("load.requsts: is not a known key; the nearest known is requests")
                .hasMessageContaining("prompt.tokens: \"normal:5\"")
                .hasMessageContaining("output.tokens: is missing")
                .hasMessageContaining("endpoint: \"/x\"")
                .hasMessageContaining("conversation.think_time: \"long\"");
        assertThatThrownBy(() -> read("load: {users: 0}\nload:\n  rate: 1\n  rate: 0\n  uers: 2\n"))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("w.yml: load: duplicate key at line 2")
                .hasMessageContaining("w.yml: load.rate: duplicate key at line 4")
                .hasMessageContaining("load.rate: \"0\"")
                .hasMessageContaining("load.uers: is not a known key");
    }

    @Test
    void lengths_followTheirLaws() throws IOException {
        var listed = file("lengths.txt", "3", "", "9");
        for (var text : new String[] {
            "12",
            "uniform:5,15",
            "normal:100,20",
            "normal:100,90,1,300",
            "log-normal:200,0.8,1,2000",
            "histogram:10=5,100=0,200=15",
            "file:" + listed
        }) {
            var lengths = LengthDistribution.parse(text);
            var random = new SplittableRandom(1);
            var drawn =
                    IntStream.range(0, 20_000).map(_ -> lengths.draw(random)).summaryStatistics();
            assertThat(drawn.getAverage()).as(text).isCloseTo(lengths.mean(), within(0.03 * lengths.mean()));
            assertThat(drawn.getMin()).as(text).isPositive();
            assertThat(drawn.getMax()).as(text).isLessThanOrEqualTo(lengths.most());
            assertThat(LengthDistribution.parse(lengths.text())).isEqualTo(lengths);
        }
        for (var wrong : new String[] {"0", "-5", "x", "uniform:9,5", "normal:5", "histogram:5=0", "gauss:1,2"}) {
            assertThatThrownBy(() -> LengthDistribution.parse(wrong)).as(wrong).isInstanceOf(ConfigException.class);
        }
    }

    @Test
    void mooncakeTrace_sharesBlocksAndKeepsTimes() throws IOException {
        var trace = file(
                "mooncake.jsonl",
                "{\"timestamp\": 0, \"input_length\": 700, \"output_length\": 9, \"hash_ids\": [1, 2]}",
                "{\"timestamp\": 500, \"input_length\": 600, \"output_length\": 4, \"hash_ids\": [1, 3]}");
        var workload = read("load: {replay_speed: 2}\nprompt: {file: " + trace + "}");
        var planned = PlannedRequests.of(workload, WORDS);
        var schedule = planned.schedule().orElseThrow();
        assertThat(schedule.size()).isEqualTo(2);
        assertThat(schedule.offsetNanos(1)).isEqualTo(250_000_000);
        var first = planned.conversations().conversation(0).turns().getFirst();
        var second = planned.conversations().conversation(1).turns().getFirst();
        assertThat(first.outputTokens()).isEqualTo(9);
        assertThat(WORDS.count(first.message())).isEqualTo(700);
        assertThat(WORDS.count(second.message())).isEqualTo(600);
        var ones = first.message().split(" ", -1);
        var others = second.message().split(" ", -1);
        assertThat(Arrays.mismatch(ones, others)).isBetween(512, 520);
    }

    @Test
    void shareGpt_givesTurnsAndLengthsOfItsAnswers() throws IOException {
        var trace = file(
                "sharegpt.json",
                "[{\"id\": \"a\", \"conversations\": [{\"from\": \"human\", \"value\": \"hello there\"},",
                "{\"from\": \"gpt\", \"value\": \"one two three\"}, {\"from\": \"human\", \"value\": \"and\"},",
                "{\"from\": \"gpt\", \"value\": \"four\"}]}]");
        var workload = read("load: {users: 1, requests: 1}\nconversation: {turns: 5}\nprompt: {file: " + trace + "}");
        assertThat(PlannedRequests.of(workload, WORDS)
                        .conversations()
                        .conversation(0)
                        .turns())
                .containsExactly(new Conversation.Turn("hello there", 3), new Conversation.Turn("and", 1));
        var tooMany = read("load: {users: 1, requests: 2}\nprompt: {file: " + trace + "}");
        assertThatThrownBy(() -> PlannedRequests.of(tooMany, WORDS)).hasMessageContaining("holds 1 prompts");
        var timeless = read("load: {replay_speed: 1}\nprompt: {file: " + trace + "}");
        assertThatThrownBy(() -> PlannedRequests.of(timeless, WORDS)).hasMessageContaining("timestamp");
    }

    /** As in the public collection: empty ones, some that begin with an answer, some that end with a question. */
    @Test
    void conversationsInWhichNothingCanBeAsked_areLeftOut() throws IOException {
        var trace = file(
                "sharegpt.json",
                "[{\"conversations\": []}, {\"conversations\": [{\"from\": \"gpt\", \"value\": \"hello\"}]},",
                "{\"conversations\": [{\"from\": \"human\", \"value\": \" \"}, {\"from\": \"gpt\", \"value\": \"what\"}]},",
                "{\"conversations\": [{\"from\": \"human\", \"value\": \"only asked\"}]},",
                "{\"conversations\": [{\"from\": \"human\", \"value\": \"a b\"}, {\"from\": \"gpt\", \"value\": \"c d\"},",
                "{\"from\": \"human\", \"value\": \"and\"}]}]");
        var asked = "load: {users: 1, requests: 1}\nconversation: {turns: 5}\nprompt: {file: " + trace + "}";
        var answered = PlannedRequests.of(read(asked), WORDS);
        assertThat(answered.leftOut()).isEqualTo(4);
        assertThat(answered.conversations().conversation(0).turns()).containsExactly(new Conversation.Turn("a b", 2));
        var lengthsTold = PlannedRequests.of(read(asked + "\noutput: {tokens: 7}"), WORDS);
        assertThat(lengthsTold.leftOut()).isEqualTo(3);
        assertThat(lengthsTold.conversations().conversation(1).turns())
                .containsExactly(new Conversation.Turn("a b", 7), new Conversation.Turn("and", 7));
    }

    @Test
    void everyWrongLineOfATrace_isTold() throws IOException {
        var trace = file(
                "wrong.jsonl",
                "{\"timestamp\": 0, \"input_length\": 700, \"output_length\": 0}",
                "{\"timestamp\": \"noon\", \"input_length\": 700, \"output_length\": 9}",
                "{\"timestamp\": 1, \"input_length\": \"x\", \"output_length\": 9}",
                "{\"timestamp\": 1, \"input_length\": 700, \"output_length\": -9}",
                "{\"timestamp\": 1, \"input_length\": 700, \"output_length\": 9, \"hash_ids\": [\"a\"]}",
                "{\"timestamp\": 1, \"input_length\": 700",
                "{\"prompt\": \"a\", \"output_tokens\": 99999999999}",
                "{\"promt\": \"a\"}",
                "{\"timestamp\": 1, \"input_length\": 700, \"output_length\": 9, \"output_length\": 90}");
        var workload = read("load: {replay_speed: 1}\nprompt: {file: " + trace + "}");
        assertThatThrownBy(() -> PlannedRequests.of(workload, WORDS))
                .isInstanceOfSatisfying(
                        ConfigException.class,
                        e -> assertThat(e.problems())
                                .hasSize(8)
                                .anyMatch(problem -> problem.contains("line 2: timestamp: \"noon\" is not allowed"))
                                .anyMatch(problem -> problem.contains("line 3: input_length: \"x\" is not allowed"))
                                .anyMatch(problem -> problem.contains("line 4: output_length: -9 is not allowed"))
                                .anyMatch(problem -> problem.contains("line 5: hash_ids: \"a\" is not allowed"))
                                .anyMatch(problem -> problem.contains("line 6: Unexpected end-of-input"))
                                .anyMatch(problem ->
                                        problem.contains("line 7: output_tokens: 99999999999 is not allowed"))
                                .anyMatch(problem -> problem.contains("line 8: {\"promt\":\"a\"} holds no prompt"))
                                .anyMatch(problem -> problem.contains("line 9: Duplicate Object property")));
    }

    @Test
    void conversationBeyondTheContext_isFound() throws IOException {
        var long9 = "a b c d e f g h i";
        var trace = file(
                "t.jsonl",
                "{\"prompt\": \"" + long9 + "\", \"output_tokens\": 2}",
                "{\"prompt\": \"" + long9 + " j\", \"output_tokens\": 2}");
        var source = PlannedRequests.of(read("load: {users: 1, requests: 2}\nprompt: {file: " + trace + "}"), WORDS)
                .conversations();
        assertThat(source.beyond(17, 5, 2)).isEmpty();
        assertThat(source.beyond(16, 5, 1)).isEmpty();
        assertThat(source.beyond(16, 5, 2))
                .hasValueSatisfying(what -> assertThat(what).contains("line 2", "17"));
        var blocks = file(
                "m.jsonl", "{\"timestamp\": 0, \"input_length\": 700, \"output_length\": 9, \"hash_ids\": [1, 2]}");
        var traced = PlannedRequests.of(read("load: {replay_speed: 1}\nprompt: {file: " + blocks + "}"), WORDS)
                .conversations();
        assertThat(traced.beyond(714, 5, 1)).isEmpty();
        assertThat(traced.beyond(713, 5, 1)).isPresent();
    }

    /** Most vocabularies have a word with its blank as one token, and not each of them without. */
    @Test
    void textsAreExact_whereTheFirstWordOfATextCountsOtherwise() {
        var tokenizer = new TokenCounter() {
            @Override
            public int count(String text) {
                var first = text.split(" ", 2)[0];
                return WORDS.count(text) + (first.length() > 2 ? 1 : 0);
            }

            @Override
            public OptionalInt countChat(String message) {
                return OptionalInt.empty();
            }
        };
        var texts = TokenText.find(tokenizer, 30);
        var random = new SplittableRandom(3);
        for (int i = 0; i < 200; i++) {
            assertThat(tokenizer.count(texts.text(30, random))).isEqualTo(30);
        }
        var prefix = texts.text(5, random);
        assertThat(tokenizer.count(texts.after(prefix, 5, 20, random))).isEqualTo(25);
    }

    @Test
    void lawsWithoutBounds_endWhereNothingIsDrawn() {
        assertThat(LengthDistribution.parse("normal:100,20").most()).isEqualTo(200);
        assertThat(LengthDistribution.parse("log-normal:100,0.5").most()).isBetween(1200, 1250);
    }

    @Test
    void badTrace_namesItsLine() throws IOException {
        var trace = file("t.jsonl", "{\"prompt\": \"a\", \"output_tokens\": 2}", "{\"promt\": \"b\"}");
        var workload = read("load: {users: 1, requests: 1}\nprompt: {file: " + trace + "}");
        assertThatThrownBy(() -> PlannedRequests.of(workload, WORDS))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("line 2");
    }

    /** As an editor counts them: blank lines are lines, and conversations that are left out are entries. */
    @Test
    void places_areTheFilesOwn() throws IOException {
        var lines = file(
                "gaps.jsonl",
                "\uFEFF{\"prompt\": \"a\", \"output_tokens\": 2, \"timestamp\": 5}",
                "",
                " ",
                "{\"prompt\": \"b\", \"timestamp\": 3}",
                "");
        assertThatThrownBy(() ->
                        PlannedRequests.of(read("load: {users: 1, requests: 2}\nprompt: {file: " + lines + "}"), WORDS))
                .hasMessageContaining("line 4 tells no output_tokens");
        assertThatThrownBy(() -> PlannedRequests.of(
                        read("load: {replay_speed: 1}\noutput: {tokens: 3}\nprompt: {file: " + lines + "}"), WORDS))
                .hasMessageContaining("line 4: a replay needs a timestamp");
        var wrong = file("wrong.jsonl", "", "", "{\"prompt\": \"a\"}", "", "{\"promt\": \"a\"}");
        assertThatThrownBy(() ->
                        PlannedRequests.of(read("load: {users: 1, requests: 2}\nprompt: {file: " + wrong + "}"), WORDS))
                .hasMessageContaining("line 5: ");
        var talks = file(
                "talks.json",
                "[{\"conversations\": []}, {\"conversations\": [{\"from\": \"human\", \"value\": \"a\"}]}]");
        assertThatThrownBy(() -> PlannedRequests.of(
                        read("load: {replay_speed: 1}\noutput: {tokens: 3}\nprompt: {file: " + talks + "}"), WORDS))
                .hasMessageContaining("entry 2: a replay needs a timestamp");
    }

    @Test
    void blankLinesWithinAQuotedPrompt_areSent() throws IOException {
        var rows = file("rows.csv", "\"one", "", "two\"", "", "three");
        var source = PlannedRequests.of(
                        read("load: {users: 1, requests: 2}\noutput: {tokens: 3}\nprompt: {file: " + rows + "}"), WORDS)
                .conversations();
        assertThat(source.conversation(0).turns().getFirst().message()).isEqualTo("one\n\ntwo");
        assertThat(source.conversation(1).turns().getFirst().message()).isEqualTo("three");
    }

    @Test
    void messagesInParts_areTheirText() throws IOException {
        var parts = file(
                "parts.jsonl",
                "{\"messages\": [{\"role\": \"user\", \"content\": [{\"type\": \"text\", \"text\": \"one\"},"
                        + " {\"type\": \"text\", \"text\": \"two\"}]}]}");
        var asked = "load: {users: 1, requests: 1}\noutput: {tokens: 3}\nprompt: {file: ";
        assertThat(PlannedRequests.of(read(asked + parts + "}"), WORDS)
                        .conversations()
                        .conversation(0)
                        .turns()
                        .getFirst()
                        .message())
                .isEqualTo("one\ntwo");
        var picture = file(
                "picture.jsonl",
                "{\"messages\": [{\"role\": \"user\", \"content\": [{\"type\": \"image_url\", \"image_url\": {}}]}]}");
        assertThatThrownBy(() -> PlannedRequests.of(read(asked + picture + "}"), WORDS))
                .hasMessageContaining("line 1: content: ")
                .hasMessageContaining("it takes text");
    }

    private String problemOf(String yaml) throws IOException {
        var problems = new Problems();
        var file = Files.writeString(folder.resolve("bad.yml"), yaml);
        try {
            var entry = WorkloadFile.entry(file, null, problems);
            Workload.read(new ConfigReader(entry.getKey(), entry.getValue(), problems));
            problems.throwIfAny();
            return "";
        } catch (ConfigException wrong) {
            return String.join("\n", wrong.problems());
        }
    }

    /** No problem speaks of the parser, quotes twice, or writes a bound as programmers do. */
    @Test
    void filesThatAreNoWorkload_areToldInWords() throws IOException {
        assertThat(problemOf("# nothing\n"))
                .contains("bad.yml is empty; it takes a map")
                .doesNotContain("--entry");
        assertThat(problemOf("hello\n")).contains("\"hello\" is not a map").doesNotContain("--entry");
        assertThat(problemOf("seed: 1\n---\nseed: 2\n"))
                .contains("line 3", "a second document begins here")
                .doesNotContain("Deserialization");
        assertThat(problemOf("load: {rate: 1, burstiness: .inf}\n"))
                .contains("\".inf\" is no number; infinity is written inf")
                .doesNotContain("java");
        assertThat(problemOf("slo: {ttft_ms: 0}\n")).contains("it takes a number from 0.000001 up.");
        assertThat(problemOf("prompt: {file: " + folder + "}\n")).contains("is no file");
    }

    @Test
    void lineOfATrace_hasOnePlaceOnly() throws IOException {
        var trace = file("t.jsonl", "{\"prompt\": \"a\"}", "{\"prompt\": \"a\"} {}");
        assertThatThrownBy(() -> PlannedRequests.of(
                        read("load: {users: 1, requests: 2}\noutput: {tokens: 3}\nprompt: {file: " + trace + "}"),
                        WORDS))
                .hasMessageContaining("line 2: More follows after the end of the value at column ")
                .hasMessageNotContaining("line 1");
    }
}
