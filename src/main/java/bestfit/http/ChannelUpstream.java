package bestfit.http;

import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoop;
import java.net.InetSocketAddress;
import org.jspecify.annotations.Nullable;

/** A relay's connection as a Netty channel, for machines without epoll. */
@SuppressWarnings("FutureReturnValueIgnored") // a write or close that fails shows as the end of the connection
final class ChannelUpstream extends UpstreamConnection {
    private final InetSocketAddress address;
    private @Nullable Channel channel;

    ChannelUpstream(EventLoop loop, Relay.Upstream upstream, InetSocketAddress address, RelayAttempt first) {
        super(loop, upstream, first);
        this.address = address;
    }

    @Override
    void connect() {
        var connecting = new Bootstrap()
                .group(loop())
                .channel(EventLoops.clientChannel())
                .option(ChannelOption.TCP_NODELAY, true)
                .option(ChannelOption.CONNECT_TIMEOUT_MILLIS, CONNECT_TIMEOUT_MILLIS)
                .handler(new Reader())
                .connect(address);
        channel = connecting.channel();
        connecting.addListener(connected -> {
            if (!connected.isSuccess()) {
                ended(false);
            }
        });
    }

    @Override
    void send(ByteBuf request) {
        if (channel == null) {
            request.release();
        } else {
            channel.writeAndFlush(request, channel.voidPromise());
        }
    }

    @Override
    void reading(boolean on) {
        if (channel != null) {
            channel.config().setAutoRead(on);
        }
    }

    @Override
    boolean isActive() {
        return channel != null && channel.isActive();
    }

    @Override
    void close() {
        if (channel != null) {
            channel.close();
        }
    }

    private final class Reader extends ChannelInboundHandlerAdapter {
        private boolean broken;

        @Override
        public void channelActive(ChannelHandlerContext context) {
            opened();
        }

        @Override
        public void channelRead(ChannelHandlerContext context, Object message) throws Exception {
            ByteBuf in = (ByteBuf) message;
            try {
                received(in);
            } finally {
                in.release();
            }
        }

        @Override
        public void channelReadComplete(ChannelHandlerContext context) {
            receivedAll();
        }

        @Override
        public void channelInactive(ChannelHandlerContext context) {
            ended(!broken);
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext context, Throwable thrown) {
            broken = true;
            context.close();
        }
    }
}
