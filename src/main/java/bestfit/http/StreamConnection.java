package bestfit.http;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.socket.SocketChannel;
import io.netty.handler.codec.http.HttpHeaders;
import java.net.SocketAddress;
import org.jspecify.annotations.Nullable;

/** A connection of a {@link StreamPool}: one call at a time. Confined to its event loop. */
@SuppressWarnings("FutureReturnValueIgnored") // a write or close that fails shows as the end of the connection
final class StreamConnection extends ChannelInboundHandlerAdapter implements ResponseParser.Sink {
    private final SocketChannel channel;
    private final StreamPool pool;
    private final ResponseParser parser = new ResponseParser();
    private @Nullable SocketAddress remote;
    private @Nullable StreamCall call;
    private @Nullable Throwable cause;
    private final boolean secure;
    private long readNanos;

    /** @param secure bytes are deciphered before they come here; {@link #readStamp} stands in front of that */
    StreamConnection(SocketChannel channel, StreamPool pool, boolean secure) {
        this.secure = secure;
        this.channel = channel;
        this.pool = pool;
    }

    boolean isActive() {
        return channel.isActive();
    }

    /** Where it is connected to, also after it ended. */
    SocketAddress remoteAddress() {
        SocketAddress known = remote;
        if (known == null) {
            known = channel.remoteAddress();
            remote = known;
        }
        return known;
    }

    void send(StreamCall next, byte[] request) {
        call = next;
        parser.begin(false);
        channel.writeAndFlush(Unpooled.wrappedBuffer(request)).addListener(written -> {
            if (written.isSuccess()) {
                next.sent(System.nanoTime());
            }
        });
    }

    /** True once a byte of the answer came. */
    boolean answering() {
        return parser.started();
    }

    /** Ends the connection without a word to its call. */
    void abandon() {
        call = null;
        channel.close();
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) throws Exception {
        if (!secure) {
            readNanos = System.nanoTime();
        }
        ByteBuf in = (ByteBuf) message;
        try {
            StreamCall answered = call;
            if (answered == null) {
                channel.close(); // bytes that nobody asked for
            } else if (parser.feed(in, this) && call == answered) {
                call = null;
                if (parser.keepAlive() && !in.isReadable()) {
                    pool.putBack(this);
                } else {
                    channel.close();
                }
                answered.end(readNanos);
            }
        } finally {
            in.release();
        }
    }

    /** Takes the time of the socket read before the bytes are deciphered. */
    ChannelInboundHandlerAdapter readStamp() {
        return new ChannelInboundHandlerAdapter() {
            @Override
            public void channelRead(ChannelHandlerContext context, Object message) {
                readNanos = System.nanoTime();
                context.fireChannelRead(message);
            }
        };
    }

    @Override
    public void head(int status, HttpHeaders headers) {
        if (call != null) {
            call.head(status, readNanos);
        }
    }

    @Override
    public void body(ByteBuf window) {
        if (call != null) {
            call.body(window, readNanos);
        }
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
        StreamCall cut = call;
        call = null;
        if (cut == null) {
            pool.remove(this);
        } else if (parser.endsWithConnection() && cause == null) {
            cut.end(System.nanoTime());
        } else {
            cut.lost(this, cause);
        }
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable thrown) {
        cause = thrown;
        context.close();
    }

    @Override
    public void channelActive(ChannelHandlerContext context) {
        remote = channel.remoteAddress();
    }
}
