package bestfit.load;

import static bestfit.metrics.Measurement.NEVER;

import bestfit.http.StreamClient;
import bestfit.metrics.ChunkTimes;
import bestfit.metrics.Measurement;
import bestfit.metrics.RequestFailure;
import io.netty.buffer.ByteBuf;
import java.io.IOException;
import java.net.ConnectException;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** Watches one request on its event loop and turns what happened into a {@link Measurement}. */
final class RequestRecorder implements StreamClient.Listener, EventScanner.Events {
    private static final int MOST_ERROR_BYTES = 4096;

    private final EventScanner scanner = new EventScanner(this);
    private final CountDownLatch ended = new CountDownLatch(1);
    private final long startNanos;
    private volatile long lastActivityNanos;
    private volatile @Nullable String timedOut;
    private volatile long sentNanos = NEVER;
    private volatile long endNanos = NEVER;
    private int status;
    private byte[] errorBody = new byte[0];
    private long firstContentNanos = NEVER;
    private long firstTokenNanos = NEVER;
    private long lastTokenNanos = NEVER;
    private long[] chunks = new long[512];
    private int chunkCount;
    private @Nullable String failure;

    RequestRecorder(long startNanos) {
        this.startNanos = startNanos;
        this.lastActivityNanos = startNanos;
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
    public void onBody(ByteBuf piece, long nanos) {
        lastActivityNanos = nanos;
        if (status / 100 == 2) {
            scanner.accept(piece, nanos);
        } else {
            int taken = Math.min(piece.readableBytes(), MOST_ERROR_BYTES - errorBody.length);
            int before = errorBody.length;
            errorBody = Arrays.copyOf(errorBody, before + taken);
            piece.readBytes(errorBody, before, taken);
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
            lastTokenNanos = nanos;
            if (chunkCount == chunks.length) {
                chunks = Arrays.copyOf(chunks, 2 * chunkCount);
            }
            chunks[chunkCount++] = nanos - startNanos;
        }
    }

    @Override
    public void onError(String message) {
        if (failure == null) {
            failure = RequestFailure.ERROR_EVENT.because(message);
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
        } else if (failure == null) {
            failure = failureOf(cause);
        }
        end(nanos);
    }

    /** The time limit passed; the caller cancels the call next. */
    void timeOut(String limit) {
        timedOut = limit;
    }

    boolean awaitEnd(long nanos) throws InterruptedException {
        return ended.await(nanos, TimeUnit.NANOSECONDS);
    }

    long lastActivityNanos() {
        return lastActivityNanos;
    }

    /** To be called after {@link #awaitEnd} gave true. */
    Measurement measurement(int index, int block, long startedAtEpochMicros) {
        return new Measurement(
                index,
                block,
                startNanos,
                startNanos,
                sentNanos,
                firstContentNanos,
                firstTokenNanos,
                lastTokenNanos,
                endNanos,
                scanner.promptTokens(),
                scanner.completionTokens(),
                failure,
                startedAtEpochMicros,
                ChunkTimes.of(chunks, chunkCount));
    }

    private void end(long nanos) {
        endNanos = nanos;
        ended.countDown();
    }

    private @Nullable String failureOfCompleteAnswer() {
        if (status / 100 != 2) {
            return RequestFailure.HTTP_STATUS.because(
                    status + " " + EventScanner.messageOf(new String(errorBody, StandardCharsets.UTF_8)));
        }
        if (scanner.aborted()) {
            return RequestFailure.ABORTED.because("finish reason \"abort\" after " + chunkCount + " chunks");
        }
        if (!scanner.done()) {
            return RequestFailure.TRUNCATED.because("no [DONE] after " + chunkCount + " chunks");
        }
        if (firstContentNanos == NEVER && firstTokenNanos == NEVER) {
            return RequestFailure.EMPTY.because("the stream held no content");
        }
        return scanner.hasUsage() ? null : RequestFailure.NO_USAGE.because("the stream told no token counts");
    }

    private String failureOf(Throwable cause) {
        var limit = timedOut;
        if (limit != null) {
            return RequestFailure.TIMEOUT.because(limit);
        }
        var told = cause.getMessage();
        var seen = told == null ? cause.getClass().getSimpleName() : told;
        var kind = switch (cause) {
            case ConnectException _, UnknownHostException _ -> RequestFailure.REFUSED;
            case IOException _ -> seen.startsWith("malformed") ? RequestFailure.MALFORMED : RequestFailure.RESET;
            default -> RequestFailure.MALFORMED;
        };
        return kind.because(kind == RequestFailure.REFUSED ? seen : seen + ", after " + chunkCount + " chunks");
    }
}
