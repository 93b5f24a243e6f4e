package bestfit.http;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.EventLoop;
import io.netty.channel.IoEvent;
import io.netty.channel.IoEventLoop;
import io.netty.channel.IoRegistration;
import io.netty.channel.epoll.EpollIoEvent;
import io.netty.channel.epoll.EpollIoHandle;
import io.netty.channel.epoll.EpollIoOps;
import io.netty.channel.unix.FileDescriptor;
import io.netty.channel.unix.Socket;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A relay's connection as a bare socket on the loop's epoll. A relayed event is one read, a look at its framing and one
 * write; channel, pipeline and buffer of its own would cost as much again as these.
 */
final class EpollUpstream extends UpstreamConnection implements EpollIoHandle {
    private final Socket socket = Socket.newSocketStream();
    private final InetSocketAddress address;
    private @Nullable IoRegistration registration;
    private @Nullable ScheduledFuture<?> connectTimeout;
    private ByteBuf unsent = Unpooled.EMPTY_BUFFER;
    private boolean connecting = true;
    private boolean wantsToRead = true;
    private EpollIoOps watched = EpollIoOps.NONE;

    EpollUpstream(EventLoop loop, Relay.Upstream upstream, InetSocketAddress address, RelayAttempt first) {
        super(loop, upstream, first);
        this.address = address;
    }

    @Override
    public FileDescriptor fd() {
        return socket;
    }

    @Override
    void connect() {
        try {
            socket.setTcpNoDelay(true);
            boolean connected = socket.connect(address);
            // On the loop itself this is done when it returns.
            registration = ((IoEventLoop) loop()).register(this).getNow();
            if (registration == null) {
                throw new IOException("the event loop takes no socket");
            }
            if (connected) {
                established();
            } else {
                connectTimeout = loop().schedule(this::connectTimedOut, CONNECT_TIMEOUT_MILLIS, TimeUnit.MILLISECONDS);
                watch();
            }
        } catch (IOException refused) {
            end(false);
        }
    }

    private void connectTimedOut() {
        if (connecting) {
            end(false);
        }
    }

    private void established() {
        connecting = false;
        if (connectTimeout != null) {
            connectTimeout.cancel(false);
        }
        watch();
        opened();
    }

    /** Tells epoll what is of interest now. */
    private void watch() {
        // Errors come whether asked for or not; asking for nothing at all would take the socket off epoll.
        EpollIoOps wanted = wantsToRead && !connecting ? EpollIoOps.EPOLLIN : EpollIoOps.EPOLLERR;
        if (connecting || unsent.isReadable()) {
            wanted = wanted.with(EpollIoOps.EPOLLOUT);
        }
        if (registration != null && registration.isValid() && wanted.value() != watched.value()) {
            watched = wanted;
            registration.submit(wanted);
        }
    }

    @Override
    public void handle(IoRegistration from, IoEvent event) {
        int ready = ((EpollIoEvent) event).ops().value();
        boolean writable = (ready & EpollIoOps.EPOLLOUT.value()) != 0;
        try {
            if (connecting) {
                if (socket.finishConnect()) {
                    established();
                }
                return;
            }
            if (writable) {
                sendOn();
            }
            // An error or hang-up comes unasked, and goes away only by reading it.
            if (ready != EpollIoOps.EPOLLOUT.value() && socket.isOpen()) {
                readOnce();
            }
        } catch (Exception broken) {
            end(false);
        }
    }

    private void readOnce() throws Exception {
        ByteBuf in = LoopMemory.toRead();
        int count = socket.recvAddress(in.memoryAddress(), 0, LoopMemory.BYTES);
        if (count < 0) {
            end(true);
        } else if (count > 0) {
            received(in.setIndex(0, count));
            receivedAll();
        }
    }

    @Override
    void send(ByteBuf request) {
        unsent.release();
        unsent = request;
        try {
            sendOn();
        } catch (IOException broken) {
            // Not within the caller, who still begins.
            loop().execute(() -> end(false));
        }
    }

    private void sendOn() throws IOException {
        ByteBuf out = LoopMemory.toWrite();
        while (unsent.isReadable()) {
            int from = unsent.readerIndex();
            int count = Math.min(unsent.readableBytes(), LoopMemory.BYTES);
            unsent.readBytes(out.clear(), count);
            int sent = Math.max(0, socket.sendAddress(out.memoryAddress(), 0, count));
            unsent.readerIndex(from + sent);
            if (sent < count) {
                break; // the socket is full: the rest goes when it is not
            }
        }
        if (!unsent.isReadable()) {
            unsent.release();
            unsent = Unpooled.EMPTY_BUFFER;
        }
        watch();
    }

    @Override
    void reading(boolean on) {
        wantsToRead = on;
        watch();
    }

    @Override
    boolean isActive() {
        return socket.isOpen() && !connecting;
    }

    private void end(boolean properly) {
        if (socket.isOpen()) {
            close();
            ended(properly);
        }
    }

    @Override
    public void close() {
        if (!socket.isOpen()) {
            return;
        }
        connecting = false;
        if (connectTimeout != null) {
            connectTimeout.cancel(false);
        }
        if (registration != null && registration.isValid()) {
            registration.cancel();
        }
        unsent.release();
        unsent = Unpooled.EMPTY_BUFFER;
        try {
            socket.close();
        } catch (IOException gone) {
            // It is closed all the same.
        }
    }
}
