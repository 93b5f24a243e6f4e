package bestfit.load;

import static bestfit.metrics.Measurement.NEVER;

import bestfit.http.ErrorText;
import bestfit.http.StreamClient;
import bestfit.metrics.ChunkTimes;
import bestfit.metrics.Measurement;
import bestfit.metrics.RequestFailure;
import io.netty.channel.ConnectTimeoutException;
import java.io.EOFException;
import java.io.IOException;
import java.net.ConnectException;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Watches one request on its event loop and turns what happened into a {@link Measurement}. */
final class RequestRecorder implements StreamClient.Listener, EventScanner.Events {
    private static final int MOST_ERROR_BYTES = 4096;

    private static final int MOST_CHUNKS_EXPECTED = 4096;

    private final EventScanner scanner;
    private final Ask ask;
    private final long intendedNanos;
    private final long startNanos;
    private final int exactTokens;
    private final Consumer<RequestRecorder> whenEnded;
    private int slot;
    private StreamClient.@Nullable Call call;
    private long lastActivityNanos;
    private @Nullable String limit;
    private long sentNanos = NEVER;
    private long endNanos = NEVER;
    private int status;
    private byte[] errorBody = new byte[0];
    private long firstContentNanos = NEVER;
    private long firstTokenNanos = NEVER;
    private long firstAnswerNanos = NEVER;
    private long lastTokenNanos = NEVER;
    private long[] chunks = new long[64];
    private int chunkCount;
    private int[] chunkTokens = new int[0];
    private int tokensBefore;
    private @Nullable String failure;

    /** @param slot where the caller keeps it */
    RequestRecorder(Ask ask, long intendedNanos, long startNanos, int slot, Consumer<RequestRecorder> whenEnded) {
        this.ask = ask;
        this.intendedNanos = intendedNanos;
        this.startNanos = startNanos;
        this.exactTokens = ask.exactTokens();
        this.slot = slot;
        this.whenEnded = whenEnded;
        this.lastActivityNanos = startNanos;
        this.scanner = new EventScanner(this, ask.isLast() ? AnswerText.NONE : AnswerText.kept());
        if (exactTokens > 0) {
            chunks = new long[Math.min(exactTokens, MOST_CHUNKS_EXPECTED) + 2];
        }
    }

    Ask ask() {
        return ask;
    }

    boolean succeeded() {
        return failure == null;
    }

    /** The answer's text as it stood within the server's JSON; empty for a last turn. */
    byte[] answer() {
        return scanner.answer();
    }

    int slot() {
        return slot;
    }

    void moveTo(int newSlot) {
        slot = newSlot;
    }

    long startNanos() {
        return startNanos;
    }

    /** How long it took; to be asked once it has ended. */
    long nanos() {
        return endNanos - startNanos;
    }

    void sentBy(StreamClient.Call newCall) {
        call = newCall;
    }

    void cancel() {
        if (call != null) {
            call.cancel();
        }
    }

    /** Between two of its events in the mean, if at this pace its end, where it is known, is further away than this; else 0. */
    long steadyGapNanos(long aheadNanos) {
        long gapNanos = chunkCount < 2 ? 0 : (lastTokenNanos - firstTokenNanos) / (chunkCount - 1);
        return (exactTokens - chunkCount) * gapNanos > aheadNanos ? gapNanos : 0;
    }

    /** True when a time limit passed; the caller cancels next. */
    boolean passes(TimeLimits limits, long now) {
        if (limit == null) {
            limit = passedLimit(limits, now);
        }
        return limit != null;
    }

    private @Nullable String passedLimit(TimeLimits limits, long now) {
        if (now - startNanos > limits.total().toNanos()) {
            return RequestFailure.TIMEOUT.because("not complete within " + seconds(limits.total()));
        }
        if (sentNanos == NEVER && now - startNanos > limits.connect().toNanos()) {
            return RequestFailure.CONNECT_TIMEOUT.because("no connection within " + seconds(limits.connect()));
        }
        boolean answering = firstContentNanos != NEVER || firstTokenNanos != NEVER;
        if (!answering && now - startNanos > limits.firstToken().toNanos()) {
            return RequestFailure.FIRST_TOKEN_TIMEOUT.because("nothing within " + seconds(limits.firstToken()));
        }
        var patience = scanner.done() && limits.silence().compareTo(TimeLimits.AFTER_DONE) > 0
                ? TimeLimits.AFTER_DONE
                : limits.silence();
        if (answering && now - lastActivityNanos > patience.toNanos()) {
            return RequestFailure.STALLED.because("no byte for " + seconds(limits.silence()));
        }
        return null;
    }

    private static String seconds(Duration duration) {
        return duration.toMillis() / 1000.0 + " s";
    }

    boolean refused() {
        return failure != null && failure.startsWith(RequestFailure.REFUSED.label());
    }

    @Override
    public void onSent(long nanos) {
        sentNanos = nanos;
        lastActivityNanos = nanos;
    }

    @Override
    public void onHead(int newStatus, long nanos) {
        status = newStatus;
        lastActivityNanos = nanos;
    }

    @Override
    public int near() {
        return slot + (int) (intendedNanos + chunks[Math.min(chunkCount, chunks.length - 1)]) + scanner.near();
    }

    @Override
    public void onBody(byte[] in, int from, int to, long nanos) {
        lastActivityNanos = nanos;
        if (status / 100 == 2) {
            scanner.accept(in, from, to, nanos);
        } else {
            int taken = Math.min(to - from, MOST_ERROR_BYTES - errorBody.length);
            int before = errorBody.length;
            errorBody = Arrays.copyOf(errorBody, before + taken);
            System.arraycopy(in, from, errorBody, before, taken);
        }
    }

    @Override
    public void onContent(boolean text, boolean reasoning, long nanos) {
        if (!reasoning && firstContentNanos == NEVER) {
            firstContentNanos = nanos;
        }
        if (text || reasoning) {
            if (firstTokenNanos == NEVER) {
                firstTokenNanos = nanos;
            }
            if (text && firstAnswerNanos == NEVER) {
                firstAnswerNanos = nanos;
            }
            lastTokenNanos = nanos;
            if (scanner.hasUsage()) {
                keepTokens();
            }
            if (chunkCount == chunks.length) {
                chunks = Arrays.copyOf(chunks, 2 * chunkCount);
            }
            chunks[chunkCount++] = nanos - startNanos;
        }
    }

    /** The server tells the tokens so far with every event. */
    private void keepTokens() {
        if (chunkCount >= chunkTokens.length) {
            chunkTokens = Arrays.copyOf(chunkTokens, Math.max(chunks.length, 2 * chunkCount));
        }
        chunkTokens[chunkCount] = scanner.completionTokens() - tokensBefore;
        tokensBefore = scanner.completionTokens();
    }

    @Override
    public void onError(String message) {
        if (failure == null) {
            failure = RequestFailure.ERROR_EVENT.because(message);
        }
    }

    @Override
    public void onMalformed(String what) {
        if (failure == null) {
            failure = RequestFailure.MALFORMED.because(what);
        }
    }

    @Override
    public void onEnd(long nanos) {
        if (failure == null) {
            failure = failureOfCompleteAnswer();
        }
        end(nanos);
    }

    @Override
    public void onFailure(Throwable cause, long nanos) {
        if (scanner.done() && failure == null) {
            failure = failureOfCompleteAnswer();
            end(scanner.doneNanos(nanos)); // what became of the connection afterwards is no part of the answer
            return;
        }
        if (failure == null) {
            failure = failureOf(cause);
        }
        end(nanos);
    }

    /** To be called once it has ended. */
    Measurement measurement(int block, long startedAtEpochMicros) {
        return new Measurement(
                ask.index(),
                block,
                intendedNanos,
                startNanos,
                sentNanos,
                firstContentNanos,
                firstTokenNanos,
                firstAnswerNanos,
                lastTokenNanos,
                endNanos,
                scanner.promptTokens(),
                scanner.completionTokens(),
                failure,
                startedAtEpochMicros,
                chunkTimes());
    }

    private ChunkTimes chunkTimes() {
        var times = ChunkTimes.of(chunks, chunkCount);
        return tokensBefore == 0 ? times : times.withTokens(Arrays.copyOf(chunkTokens, chunkCount));
    }

    private void end(long nanos) {
        endNanos = nanos;
        whenEnded.accept(this);
    }

    private @Nullable String failureOfCompleteAnswer() {
        if (status / 100 != 2) {
            return RequestFailure.HTTP_STATUS.because(
                    status + " " + ErrorEvent.messageOf(new String(errorBody, StandardCharsets.UTF_8)));
        }
        if (scanner.aborted()) {
            return RequestFailure.ABORTED.because(
                    "finish reason \"abort\" or \"error\" after " + chunkCount + " chunks");
        }
        var instead = scanner.insteadOfEvents();
        if (!instead.isEmpty()) {
            return RequestFailure.MALFORMED.because("no event stream but: " + instead);
        }
        if (!scanner.done()) {
            return RequestFailure.TRUNCATED.because("no [DONE] after " + chunkCount + " chunks");
        }
        if (firstContentNanos == NEVER && firstTokenNanos == NEVER) {
            return RequestFailure.EMPTY.because("the stream held no content");
        }
        if (!scanner.hasUsage()) {
            return RequestFailure.NO_USAGE.because("the stream told no token counts");
        }
        return exactTokens == 0 || scanner.completionTokens() == exactTokens
                ? null
                : RequestFailure.WRONG_LENGTH.because(
                        scanner.completionTokens() + " tokens in place of " + exactTokens);
    }

    private String failureOf(Throwable cause) {
        if (limit != null) {
            return limit;
        }
        var tls = ErrorText.ofTls(cause);
        if (tls.isPresent()) {
            return RequestFailure.REFUSED.because(tls.get());
        }
        var told = cause.getMessage();
        var seen = told == null ? cause.getClass().getSimpleName() : ErrorText.plain(told);
        var kind = switch (cause) {
            case ConnectTimeoutException _ -> RequestFailure.CONNECT_TIMEOUT;
            case ConnectException _, UnknownHostException _ -> RequestFailure.REFUSED;
            case EOFException _
            when status / 100 == 2 -> RequestFailure.TRUNCATED; // its end was in order but for the length
            case IOException _ -> seen.startsWith("malformed") ? RequestFailure.MALFORMED : RequestFailure.RESET;
            default -> RequestFailure.MALFORMED;
        };
        return kind.because(
                switch (cause) {
                    case UnknownHostException _ -> "unknown host " + seen;
                    case ConnectTimeoutException _ -> seen;
                    case ConnectException _ -> "nothing answers at this address";
                    default -> seen + ", after " + chunkCount + " chunks";
                });
    }
}
