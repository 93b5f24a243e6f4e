package bestfit.http;

import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.ServerSocketChannel;
import io.netty.channel.socket.SocketChannel;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.util.ResourceLeakDetector;
import io.netty.util.concurrent.DefaultThreadFactory;

/** Event loops on daemon threads: epoll where it loads, NIO elsewhere. */
final class EventLoops {
    private static final boolean EPOLL = Epoll.isAvailable();

    static {
        // Samples buffers with stack traces by default, which costs in every run what only a developer's needs.
        if (System.getProperty("io.netty.leakDetection.level") == null) {
            ResourceLeakDetector.setLevel(ResourceLeakDetector.Level.DISABLED);
        }
        if (EPOLL) {
            Thread.ofVirtual().name("socket-table").start(SocketTable::makeRoom);
        }
    }

    private EventLoops() {}

    private static final class Shared {
        static final EventLoopGroup GROUP =
                open("bestfit-http", Math.clamp(Runtime.getRuntime().availableProcessors(), 1, 16));
    }

    /** The group that servers and control clients of this process share; lives as long as the process. */
    static EventLoopGroup shared() {
        return Shared.GROUP;
    }

    /** True where sockets live on epoll. */
    static boolean epoll() {
        return EPOLL;
    }

    static EventLoopGroup open(String threadName, int threads) {
        return new MultiThreadIoEventLoopGroup(
                threads,
                new DefaultThreadFactory(threadName, true),
                EPOLL ? EpollIoHandler.newFactory() : NioIoHandler.newFactory());
    }

    static Class<? extends ServerSocketChannel> serverChannel() {
        return EPOLL ? EpollServerSocketChannel.class : NioServerSocketChannel.class;
    }

    static Class<? extends SocketChannel> clientChannel() {
        return EPOLL ? EpollSocketChannel.class : NioSocketChannel.class;
    }
}
