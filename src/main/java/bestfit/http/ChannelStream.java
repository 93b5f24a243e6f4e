package bestfit.http;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.socket.SocketChannel;
import io.netty.handler.ssl.SslHandler;
import java.net.InetSocketAddress;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** A stream's connection as a channel: with TLS, and where there is no epoll. */
@SuppressWarnings("FutureReturnValueIgnored") // a write or close that fails shows as the end of the connection
final class ChannelStream extends StreamConnection {
    private final SocketChannel channel;
    private long readNanos;
    private @Nullable Throwable cause;

    ChannelStream(SocketChannel channel, StreamPool pool, InetSocketAddress address) {
        super(pool, address);
        this.channel = channel;
    }

    @Override
    boolean isActive() {
        return channel.isActive();
    }

    @Override
    void write(byte[] request, StreamCall sentFor) {
        channel.writeAndFlush(Unpooled.wrappedBuffer(request)).addListener(written -> {
            if (written.isSuccess()) {
                sentFor.sent(System.nanoTime());
            }
        });
    }

    @Override
    void shut() {
        channel.close();
    }

    @Override
    void whenReady(Consumer<Boolean> told) {
        SslHandler handshaking = channel.pipeline().get(SslHandler.class);
        if (handshaking == null) {
            told.accept(channel.isActive());
        } else {
            handshaking.handshakeFuture().addListener(shaken -> told.accept(shaken.isSuccess()));
        }
    }

    /** Takes the time of the socket read, before the bytes are deciphered. */
    ChannelInboundHandlerAdapter readStamp() {
        return new ChannelInboundHandlerAdapter() {
            @Override
            public void channelRead(ChannelHandlerContext context, Object message) {
                readNanos = System.nanoTime();
                pool().unstamped();
                context.fireChannelRead(message);
            }
        };
    }

    /** Takes the deciphered bytes; the waiter is told once it is connected. */
    ChannelInboundHandlerAdapter reader(StreamPool.Waiter waiter) {
        return new ChannelInboundHandlerAdapter() {
            @Override
            public void channelActive(ChannelHandlerContext context) {
                waiter.connected(ChannelStream.this);
            }

            @Override
            public void channelRead(ChannelHandlerContext context, Object message) throws Exception {
                ByteBuf in = (ByteBuf) message;
                try {
                    byte[] bytes = ByteBufUtil.getBytes(in);
                    received(bytes, 0, bytes.length, readNanos);
                } finally {
                    in.release();
                }
            }

            @Override
            public void channelInactive(ChannelHandlerContext context) {
                ended(cause);
            }

            @Override
            public void exceptionCaught(ChannelHandlerContext context, Throwable thrown) {
                cause = thrown;
                context.close();
            }
        };
    }
}
