package bestfit.http;

import bestfit.config.Json;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Executor;
import tools.jackson.databind.JsonNode;

/** One request and its answer. Exactly one of {@link #respond} and {@link #stream} is called, once. Thread-safe. */
public interface Exchange {
    String method();

    /** Address and port of the client, such as {@code 127.0.0.1:50312}. */
    String remoteAddress();

    /** The path without its query, percent-decoded. */
    String path();

    /** The request target exactly as sent, query included. */
    String target();

    /** The first value of a query parameter, decoded. */
    Optional<String> query(String name);

    /** All values of a header; names ignore case. */
    List<String> headers(String name);

    default Optional<String> header(String name) {
        return headers(name).stream().findFirst();
    }

    /** Value of a {@code {name}} segment of the route's path. */
    String pathValue(String name);

    /** The whole body; empty if none was sent. */
    byte[] body();

    /** {@link System#nanoTime()} at the socket read that completed the request. */
    long receivedNanos();

    void respond(int status, Map<String, String> headers, byte[] body);

    default void respond(int status, String contentType, byte[] body) {
        respond(status, Map.of("Content-Type", contentType), body);
    }

    default void text(int status, String text) {
        respond(status, "text/plain; charset=utf-8", text.getBytes(StandardCharsets.UTF_8));
    }

    default void json(int status, JsonNode json) {
        respond(status, "application/json", Json.write(json).getBytes(StandardCharsets.UTF_8));
    }

    /** Begins a chunked answer. */
    BodyStream stream(int status, Map<String, String> headers);

    /** Runs once, when the client leaves before the answer is complete; at once if it has left already. */
    void onClientGone(Runnable action);

    /** A chunked answer under way. Thread-safe; writes keep their order. */
    interface BodyStream {
        /**
         * The connection's own thread, which many exchanges share: what runs there writes fastest and must never wait. A
         * {@link #write} there does not wait for a slow client either, so look at {@link #isWritable} before.
         */
        Executor executor();

        /** False while the client is too slow to take more. */
        boolean isWritable();

        /** Runs on {@link #executor} whenever {@link #isWritable} has changed. One action; a later one takes its place. */
        void onWritabilityChange(Runnable action);

        /** Queues and flushes a chunk; false when the client has left. Blocks while the client is too slow to take more. */
        default boolean write(byte[] chunk) {
            return write(chunk, chunk.length);
        }

        /** {@link #write(byte[])} of the first {@code length} bytes; the array is the caller's again afterwards. */
        boolean write(byte[] bytes, int length);

        /** Ends the answer properly. */
        void end();

        /** Cuts the connection so that the client sees a broken answer. */
        void abort();
    }
}
