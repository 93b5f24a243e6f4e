package bestfit.http;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFuture;
import io.netty.channel.EventLoop;
import io.netty.channel.socket.SocketChannel;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.DefaultHttpContent;
import io.netty.handler.codec.http.DefaultHttpResponse;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** One request of a {@link ServerConnection} and its answer. */
@SuppressWarnings("FutureReturnValueIgnored") // a write or close that fails shows as the end of the connection
final class ServerExchange implements Exchange, Exchange.BodyStream {
    /** A chunk's size in hexadecimal and two line ends. */
    private static final int FRAME_BYTES = 12;

    private final SocketChannel channel;
    private final ServerConnection connection;
    private final HttpRequest request;
    private final Target target;
    private final byte[] body;
    private final long receivedNanos;
    private final boolean chunkable;
    private final boolean bodiless;
    private volatile boolean keepAlive;
    private volatile Map<String, String> pathValues = Map.of();

    private volatile @Nullable ClientWatcher watcher;
    private volatile @Nullable Runnable onWritabilityChange;

    // Guarded by this.
    private final List<Runnable> whenGone = new ArrayList<>(1);
    private boolean begun;
    private boolean complete;
    private boolean gone;

    ServerExchange(
            SocketChannel channel, ServerConnection connection, HttpRequest request, byte[] body, long receivedNanos) {
        this.channel = channel;
        this.connection = connection;
        this.request = request;
        this.target = new Target(request.uri());
        this.body = body;
        this.receivedNanos = receivedNanos;
        this.keepAlive = HttpUtil.isKeepAlive(request);
        this.chunkable = !request.protocolVersion().equals(HttpVersion.HTTP_1_0);
        this.bodiless = method().equals("HEAD");
    }

    /** Has its route answer: on this event loop where that does not block, else on a thread of its own. */
    void run(Router router) {
        Handler handler;
        try {
            handler = router.find(this, target);
        } catch (RuntimeException e) {
            failed(e);
            return;
        }
        if (handler.blocks()) {
            Thread.ofVirtual().name("http").start(() -> run(handler));
        } else {
            run(handler);
        }
    }

    /** Has the handler answer, and answers for it if it fails. */
    void run(Handler handler) {
        try {
            handler.handle(this);
        } catch (Throwable e) {
            failed(e);
        }
    }

    /** Answers for a handler that failed. */
    void failed(Throwable cause) {
        if (!isGone()) {
            System.err.println("http: " + method() + " " + target() + " failed");
            cause.printStackTrace();
        }
        boolean unanswered;
        synchronized (this) {
            unanswered = !begun;
        }
        if (unanswered) {
            text(500, "Internal Server Error");
        } else {
            abort();
        }
    }

    void pathValues(Map<String, String> values) {
        pathValues = values;
    }

    boolean keepAlive() {
        return keepAlive;
    }

    @Override
    public String method() {
        return request.method().name();
    }

    @Override
    public String path() {
        return target.path();
    }

    @Override
    public String target() {
        return request.uri();
    }

    @Override
    public String remoteAddress() {
        var address = channel.remoteAddress();
        return address == null ? "-:0" : address.getAddress().getHostAddress() + ":" + address.getPort();
    }

    @Override
    public Optional<String> query(String name) {
        return target.query(name);
    }

    @Override
    public List<String> headers(String name) {
        return request.headers().getAll(name);
    }

    @Override
    public String pathValue(String name) {
        String value = pathValues.get(name);
        if (value == null) {
            throw new IllegalArgumentException("the route has no {" + name + "}");
        }
        return value;
    }

    @Override
    public byte[] body() {
        return body;
    }

    @Override
    public long receivedNanos() {
        return receivedNanos;
    }

    @Override
    public void respond(int status, Map<String, String> headers, byte[] answer) {
        boolean noBody = status == 204 || status == 304;
        ByteBuf content = bodiless || noBody ? Unpooled.EMPTY_BUFFER : Unpooled.wrappedBuffer(answer);
        HttpResponse response =
                new DefaultFullHttpResponse(HttpVersion.HTTP_1_1, HttpResponseStatus.valueOf(status), content);
        headers.forEach(response.headers()::set);
        if (!noBody) {
            response.headers().set(HttpHeaderNames.CONTENT_LENGTH, answer.length);
        }
        setConnection(response.headers());
        if (begin(true)) {
            channel.eventLoop().execute(() -> finish(channel.writeAndFlush(response)));
        }
    }

    @Override
    public BodyStream stream(int status, Map<String, String> headers) {
        HttpResponse response = new DefaultHttpResponse(HttpVersion.HTTP_1_1, HttpResponseStatus.valueOf(status));
        headers.forEach(response.headers()::set);
        response.headers().remove(HttpHeaderNames.CONTENT_LENGTH);
        if (chunkable) {
            response.headers().set(HttpHeaderNames.TRANSFER_ENCODING, HttpHeaderValues.CHUNKED);
        } else {
            keepAlive = false; // HTTP/1.0 knows no chunks: the end of the connection ends the body
        }
        setConnection(response.headers());
        if (begin(false)) {
            channel.writeAndFlush(response, channel.voidPromise());
        }
        return this;
    }

    private void setConnection(HttpHeaders headers) {
        if (HttpHeaderValues.CLOSE.contentEqualsIgnoreCase(headers.get(HttpHeaderNames.CONNECTION, ""))) {
            keepAlive = false;
        }
        HttpUtil.setKeepAlive(headers, chunkable ? HttpVersion.HTTP_1_1 : HttpVersion.HTTP_1_0, keepAlive);
    }

    /** Marks the answer as begun; false when nobody is there to take it. */
    private synchronized boolean begin(boolean whole) {
        if (begun) {
            throw new IllegalStateException(method() + " " + target() + " was answered already");
        }
        begun = true;
        complete = whole && !gone;
        return !gone;
    }

    private void finish(ChannelFuture lastWrite) {
        connection.finished(this, lastWrite);
    }

    @Override
    public synchronized boolean write(byte[] bytes, int length) {
        try {
            // An event loop cannot wait for itself; it is expected to look at the client's pace on its own.
            while (!gone
                    && !complete
                    && !channel.isWritable()
                    && !channel.eventLoop().inEventLoop()) {
                wait();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            abort();
        }
        if (gone || complete) {
            return false;
        }
        if (length == 0 || bodiless) {
            return true;
        }
        if (chunkable
                && length <= LoopMemory.BYTES - FRAME_BYTES
                && channel.eventLoop().inEventLoop()) {
            writeChunk(bytes, length);
        } else {
            channel.writeAndFlush(
                    new DefaultHttpContent(Unpooled.copiedBuffer(bytes, 0, length)), channel.voidPromise());
        }
        return true;
    }

    /** Frames the chunk by hand and sends it past the pipeline: a third of the cost, for answers of many small chunks. */
    private void writeChunk(byte[] bytes, int length) {
        ByteBuf framed = LoopMemory.toWrite().clear();
        writeHex(framed, length);
        framed.writeShort(0x0D0A).writeBytes(bytes, 0, length).writeShort(0x0D0A);
        connection.writeThrough(framed);
        connection.flushWaiting();
    }

    private static void writeHex(ByteBuf out, int number) {
        int shift = (31 - Integer.numberOfLeadingZeros(number | 1)) & ~3;
        for (; shift >= 0; shift -= 4) {
            out.writeByte(Character.forDigit(number >>> shift & 0xF, 16));
        }
    }

    @Override
    public EventLoop executor() {
        return channel.eventLoop();
    }

    @Override
    public void onWritabilityChange(Runnable action) {
        onWritabilityChange = action;
    }

    @Override
    public synchronized void end() {
        if (!gone && !complete) {
            complete = true;
            channel.eventLoop().execute(() -> finish(channel.writeAndFlush(LastHttpContent.EMPTY_LAST_CONTENT)));
        }
    }

    @Override
    public synchronized void abort() {
        if (!gone && !complete) {
            complete = true;
            notifyAll();
            channel.eventLoop().execute(connection::reset);
        }
    }

    void writabilityChanged() {
        synchronized (this) {
            notifyAll();
        }
        if (watcher != null) {
            watcher.writabilityChanged();
        }
        Runnable action = onWritabilityChange;
        if (action != null) {
            action.run();
        }
    }

    /** The connection ended; called once, on the event loop. */
    void clientLeft() {
        List<Runnable> actions;
        synchronized (this) {
            if (complete) {
                return;
            }
            gone = true;
            notifyAll();
            actions = List.copyOf(whenGone);
        }
        if (watcher != null) {
            watcher.clientLeft();
        }
        // Off the event loop: an action may block.
        actions.forEach(action -> Thread.ofVirtual().start(action));
    }

    private synchronized boolean isGone() {
        return gone;
    }

    @Override
    public void onClientGone(Runnable action) {
        synchronized (this) {
            if (!gone) {
                whenGone.add(action);
                return;
            }
        }
        action.run();
    }

    // What follows is for a relay, which writes its own bytes. All of it on the event loop.

    HttpHeaders headers() {
        return request.headers();
    }

    String originForm() {
        return target.originForm();
    }

    /** False for HTTP/1.0. */
    boolean takesChunks() {
        return chunkable;
    }

    @Override
    public boolean isWritable() {
        return channel.isWritable();
    }

    /** The connection ends with this answer. */
    void endConnection() {
        keepAlive = false;
    }

    void watch(ClientWatcher newWatcher) {
        watcher = newWatcher;
        if (isGone()) {
            newWatcher.clientLeft();
        }
    }

    /** Begins an answer made of {@link #relay}ed bytes; false when the client has left. */
    boolean beginRelayed() {
        return begin(false);
    }

    /** Writes bytes as they are when what follows is written. */
    void relayHead(byte[] bytes) {
        connection.writeRaw(Unpooled.wrappedBuffer(bytes));
    }

    /** Writes bytes as they are, now if the socket takes them, else with {@link #flushRelayed}; they stay the caller's. */
    void relay(ByteBuf bytes) {
        connection.writeThrough(bytes);
    }

    void flushRelayed() {
        connection.flushWaiting();
    }

    /** Writes the last bytes and ends the answer. */
    void endRelayed(ByteBuf last) {
        synchronized (this) {
            complete = true;
        }
        finish(connection.writeLastRaw(last));
    }
}
