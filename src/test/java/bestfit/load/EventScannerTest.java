package bestfit.load;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class EventScannerTest {
    @Test
    void events_areReadWithoutAllocation() {
        var counter = new int[1];
        var scanner = new EventScanner(ParserBenchmark.counting(counter), AnswerText.NONE);
        byte[] events = ParserBenchmark.EVENT.repeat(100).getBytes(StandardCharsets.UTF_8);
        var threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        ParserBenchmark.feed(scanner, events, 50);
        long before = threads.getCurrentThreadAllocatedBytes();
        ParserBenchmark.feed(scanner, events, 500);
        long allocated = threads.getCurrentThreadAllocatedBytes() - before;
        assertThat(counter[0]).isEqualTo(55_000);
        // what the call of the counter itself allocates is all there is
        assertThat(allocated).isLessThan(50_000 / 10);
    }

    /** Byte by byte no event is taken for the one before with another text, for none is there whole. */
    @Test
    void events_sayTheSame_wholeAndByteByByte() {
        for (int seed = 0; seed < 200; seed++) {
            String stream = randomStream(new Random(seed));
            var byteByByte = new Told().of(stream, 1);
            assertThat(new Told().of(stream, stream.length())).as(stream).isEqualTo(byteByByte);
            assertThat(new Told().of(stream, 150)).as(stream).isEqualTo(byteByByte);
        }
    }

    /** Line feeds, carriage returns, both: the specification of server-sent events has all three. */
    @Test
    void lineEnds_areAllAlike() {
        for (int seed = 0; seed < 100; seed++) {
            String stream = randomStream(new Random(seed));
            var told = new Told().of(stream, stream.length());
            for (var end : List.of("\r\n", "\r")) {
                var other = stream.replace("\n", end);
                for (int piece : List.of(1, 150, other.length())) {
                    assertThat(new Told().of(other, piece)).as(other).isEqualTo(told);
                }
            }
        }
    }

    /** An event's data may come in several lines; a line feed joins them, and a blank line ends the event. */
    @Test
    void dataInSeveralLines_isOneEvent() {
        for (int seed = 0; seed < 100; seed++) {
            String stream = randomStream(new Random(seed)).replace(": a comment\n", ": a comment\n\n");
            var told = new Told().of(stream, stream.length());
            var split = stream.replace("\"id\":\"1\",", "\ndata: \"id\": {\"a\": []}\ndata: ,")
                    .replace(",\"finish_reason\"", "\n: a comment\ndata:,\"finish_reason\"");
            for (var end : List.of("\n", "\r\n", "\r")) {
                var other = split.replace("\n", end);
                for (int piece : List.of(1, 150, other.length())) {
                    assertThat(new Told().of(other, piece)).as(other).isEqualTo(told);
                }
            }
        }
    }

    @Test
    void whatIsNoEventInTheEnd_isTold() {
        var whole = "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n";
        var broken = "data: {\"choices\":[\ndata: {\"delta\"\n\n";
        assertThat(new Told().of("\uFEFF" + whole + broken + whole, 7))
                .containsSubsequence(
                        "content true false",
                        "malformed malformed event: {\"choices\":[ {\"delta\"",
                        "content true false");
        assertThat(new Told().of("event: error\ndata: {\ndata: \"message\": \"no room\"\ndata: }\n\n", 9))
                .contains("error no room");
        assertThat(new Told().of(broken.strip() + "\ndata: [DONE]\n\n", 100))
                .contains("usage false 0 0, done true, aborted false")
                .anyMatch(line -> line.startsWith("malformed"));
    }

    private static String randomStream(Random random) {
        var stream = new StringBuilder();
        String[] texts = {"", "a", " word", "\\\"", "\\\\", "\\u00e9", "\"}", "content\":\"x", "\n", "é", "data: {"};
        String[] endings = {
            "\"}}]}",
            "\"},\"finish_reason\":null}]}",
            "\"},\"finish_reason\":\"abort\"}]}",
            "\"},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":7}}",
            "\",\"reasoning_content\":\"r\"}}]}",
            "\"}}],\"usage\":null}"
        };
        String[] keys = {"content", "text", "reasoning_content", "reasoning", "role"};
        for (int event = 0; event < 40; event++) {
            // the same shape several times, as in a stream, with now and then another
            String key = keys[random.nextInt(6) < 5 ? 0 : random.nextInt(keys.length)];
            String ending = endings[random.nextInt(6) < 4 ? 1 : random.nextInt(endings.length)];
            String text = texts[random.nextInt(texts.length)].replace("\n", "\\n");
            if (text.startsWith("\"") || text.startsWith("content")) {
                text = text.replace("\"", "\\\"");
            }
            stream.append("data: {\"id\":\"1\",\"choices\":[{\"delta\":{\"%s\":\"%s%s\n".formatted(key, text, ending));
            stream.append(random.nextInt(20) == 0 ? ": a comment\n" : "\n");
        }
        return stream.append("data: [DONE]\n\n").toString();
    }

    /** Writes down what a scanner tells. */
    private static final class Told implements EventScanner.Events {
        private final List<String> lines = new ArrayList<>();
        private final EventScanner scanner = new EventScanner(this, AnswerText.kept());

        List<String> of(String stream, int pieceBytes) {
            byte[] bytes = stream.getBytes(StandardCharsets.UTF_8);
            for (int from = 0; from < bytes.length; from += pieceBytes) {
                int to = Math.min(bytes.length, from + pieceBytes);
                byte[] shared = bytes.clone();
                scanner.accept(shared, from, to, 0);
                Arrays.fill(shared, (byte) '!'); // the next read goes there
            }
            lines.add("answer " + new String(scanner.answer(), StandardCharsets.UTF_8));
            lines.add("usage %s %d %d, done %s, aborted %s"
                    .formatted(
                            scanner.hasUsage(),
                            scanner.promptTokens(),
                            scanner.completionTokens(),
                            scanner.done(),
                            scanner.aborted()));
            return lines;
        }

        @Override
        public void onContent(boolean text, boolean reasoning, long nanos) {
            lines.add("content " + text + " " + reasoning);
        }

        @Override
        public void onError(String message) {
            lines.add("error " + message);
        }

        @Override
        public void onMalformed(String what) {
            lines.add("malformed " + what);
        }
    }
}
