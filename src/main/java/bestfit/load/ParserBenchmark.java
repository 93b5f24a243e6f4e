package bestfit.load;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.util.Locale;

/** How fast events are read from memory, and what that allocates; {@code bench/parser} runs it. */
public final class ParserBenchmark {
    /** An event as vLLM writes it. */
    static final String EVENT =
            "data: {\"id\":\"chatcmpl-0123456789abcdef0123456789abcdef\",\"object\":\"chat.completion.chunk\",\"created\":1764000000,"
                    + "\"model\":\"some-model\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\" word\"},\"logprobs\":null,"
                    + "\"finish_reason\":null,\"token_ids\":null}]}\n\n";

    private static final int EVENTS_A_PIECE = 100;
    private static final int PIECES = 20_000;
    private static final int ROUNDS = 8;

    private ParserBenchmark() {}

    public static void main(String[] args) {
        var counter = new int[1];
        var scanner = new EventScanner(counting(counter), AnswerText.NONE);
        var events = EVENT.repeat(EVENTS_A_PIECE).getBytes(StandardCharsets.UTF_8);
        var threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        for (int round = 1; round <= ROUNDS; round++) {
            long bytes = threads.getCurrentThreadAllocatedBytes();
            long cpu = threads.getCurrentThreadCpuTime();
            feed(scanner, events, PIECES);
            double seconds = (threads.getCurrentThreadCpuTime() - cpu) / 1e9;
            double count = (double) PIECES * EVENTS_A_PIECE;
            System.out.printf(
                    Locale.ROOT,
                    "round %d: %,.0f events/s of CPU, %.3f bytes allocated an event%n",
                    round,
                    count / seconds,
                    (threads.getCurrentThreadAllocatedBytes() - bytes) / count);
        }
    }

    /** Reads the same piece again and again. */
    static void feed(EventScanner scanner, byte[] piece, int times) {
        for (int i = 0; i < times; i++) {
            scanner.accept(piece, 0, piece.length, i);
        }
    }

    static EventScanner.Events counting(int[] counter) {
        return new EventScanner.Events() {
            @Override
            public void onContent(boolean text, boolean reasoning, long nanos) {
                counter[0]++;
            }

            @Override
            public void onError(String message) {
                throw new IllegalStateException(message);
            }

            @Override
            public void onMalformed(String what) {
                throw new IllegalStateException(what);
            }
        };
    }
}
