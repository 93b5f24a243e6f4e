package bestfit.http;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ConnectTimeoutException;
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
import java.nio.channels.ClosedChannelException;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A stream's connection as a bare socket on the loop's epoll, without TLS. An event of an answer is one read and a look at its
 * bytes; channel, pipeline and buffer of its own would cost a quarter of what the client uses.
 */
final class EpollStream extends StreamConnection implements EpollIoHandle {
    private static final byte[] NOTHING = new byte[0];

    /** Told once of what arrives, not again by each look until it is read: half the kernel's work. */
    private static final EpollIoOps READ =
            EpollIoOps.EPOLLIN.with(EpollIoOps.EPOLLRDHUP).with(EpollIoOps.EPOLLET);

    private static final EpollIoOps READ_AND_WRITE = READ.with(EpollIoOps.EPOLLOUT);

    private final Socket socket = Socket.newSocketStream();
    // as the socket tells, but within this object: one less that 500 other streams' events drove out of the cache
    private final int fd = socket.intValue();
    private boolean open = true;
    private final EventLoop loop;
    private final Gathering gathering;
    private final ReadPieces pieces;
    private final StampedReads reads = StampedReads.ofThisLoop();
    private @Nullable IoRegistration registration;
    private @Nullable ScheduledFuture<?> connectTimeout;
    private StreamPool.@Nullable Waiter waiter;
    private byte[] request = NOTHING;
    private int sentBytes;
    private @Nullable StreamCall sentFor;
    private int watched;
    private long lastNanos;
    private int pieceFrom;
    private int pieceTo; // 0 when none waits

    /** To be made on the loop. */
    EpollStream(StreamPool pool, InetSocketAddress address, EventLoop loop, Gathering gathering, ReadPieces pieces) {
        super(pool, address);
        this.loop = loop;
        this.gathering = gathering;
        this.pieces = pieces;
    }

    /** The waiter is told from the loop, never within this call. */
    void connect(StreamPool.Waiter told, long timeoutMillis) {
        waiter = told;
        try {
            socket.setTcpNoDelay(true);
            StampedReads.stamp(socket);
            boolean connected = socket.connect(address());
            // on the loop itself this is done when it returns
            registration = ((IoEventLoop) loop).register(this).getNow();
            if (registration == null) {
                throw new IOException("the event loop takes no socket");
            }
            if (connected) {
                loop.execute(this::established);
            } else {
                connectTimeout = loop.schedule(() -> timedOut(timeoutMillis), timeoutMillis, TimeUnit.MILLISECONDS);
                watch(EpollIoOps.EPOLLOUT);
            }
        } catch (IOException refused) {
            loop.execute(() -> end(refused));
        }
    }

    private void timedOut(long timeoutMillis) {
        if (waiter != null) {
            end(new ConnectTimeoutException("connection timed out after " + timeoutMillis + " ms: " + address()));
        }
    }

    private void established() {
        StreamPool.Waiter told = waiter;
        if (told != null && open) {
            connected();
            watch(READ);
            told.connected(this);
        }
    }

    /** No longer under way. */
    private void connected() {
        waiter = null;
        if (connectTimeout != null) {
            connectTimeout.cancel(false);
            connectTimeout = null;
        }
    }

    private void watch(EpollIoOps wanted) {
        if (registration != null && registration.isValid() && wanted.value() != watched) {
            watched = wanted.value();
            registration.submit(wanted);
        }
    }

    @Override
    public FileDescriptor fd() {
        return socket;
    }

    @Override
    boolean isActive() {
        return open && waiter == null;
    }

    @Override
    public void handle(IoRegistration from, IoEvent event) {
        int ready = ((EpollIoEvent) event).ops().value();
        try {
            if (!open) {
                return;
            }
            if (waiter != null) {
                if (socket.finishConnect()) {
                    established();
                }
                return;
            }
            if ((ready & EpollIoOps.EPOLLOUT.value()) != 0) {
                sendOn();
            }
            // an error or hang-up comes unasked, and goes away only by reading it
            if (ready != EpollIoOps.EPOLLOUT.value()) {
                read(ready);
            }
        } catch (Exception broken) {
            end(broken);
        }
    }

    @Override
    void whenReady(Consumer<Boolean> told) {
        told.accept(isActive());
    }

    /** Reads all there is: what fills less than the memory was the last, but for the end of a stream, which is told beside it. */
    private void read(int ready) throws IOException {
        boolean more = true;
        while (more) {
            if (pieceTo > 0) {
                pieces.handOn(); // what came before it
            }
            if (!open) {
                return;
            }
            int count = reads.read(fd);
            if (count > 0) {
                keep(count);
            } else if (count < 0) {
                end(null);
            }
            more = count == StampedReads.MOST_BYTES || (count > 0 && (ready & EpollIoOps.EPOLLRDHUP.value()) != 0);
        }
    }

    private void keep(int count) {
        lastNanos = Math.max(lastNanos, reads.arrivalNanos()); // a wall clock that was set back moves nothing back
        pieceFrom = reads.kept();
        pieceTo = pieceFrom + count;
        pieces.add(this, reads.keep(count));
        if (reads.stamped()) {
            gathering.afterRead();
        } else {
            pool().unstamped();
        }
    }

    /** Takes the piece that was kept last, if it still matters to anybody. */
    void handOn() {
        int to = pieceTo;
        pieceTo = 0;
        if (!open) {
            return;
        }
        try {
            received(reads.taken(), pieceFrom, to, lastNanos);
        } catch (Exception broken) {
            end(broken);
        }
    }

    @Override
    void write(byte[] bytes, StreamCall call) {
        request = bytes;
        sentBytes = 0;
        sentFor = call;
        try {
            sendOn();
        } catch (IOException broken) {
            // not within the caller, who still begins
            loop.execute(() -> end(broken));
        }
    }

    private void sendOn() throws IOException {
        ByteBuf out = LoopMemory.toWrite();
        while (sentBytes < request.length) {
            int count = Math.min(request.length - sentBytes, LoopMemory.BYTES);
            out.clear().writeBytes(request, sentBytes, count);
            lastNanos = System.nanoTime(); // before the call: an answer may be there when it returns
            int sent = Math.max(0, socket.sendAddress(out.memoryAddress(), 0, count));
            sentBytes += sent;
            if (sent < count) {
                watch(READ_AND_WRITE); // the socket is full: the rest goes when it is not
                return;
            }
        }
        watch(READ);
        StreamCall told = sentFor;
        request = NOTHING;
        sentBytes = 0;
        sentFor = null;
        if (told != null) {
            told.sent(lastNanos);
        }
    }

    /** The loop ends: as if the network had cut it. */
    @Override
    public void close() {
        end(new ClosedChannelException());
    }

    private void end(@Nullable Throwable cause) {
        if (!open) {
            return;
        }
        StreamPool.Waiter told = waiter;
        shut();
        if (told == null) {
            ended(cause);
        } else {
            told.failed(cause == null ? new ClosedChannelException() : cause);
        }
    }

    @Override
    void shut() {
        if (!open) {
            return;
        }
        open = false;
        connected();
        request = NOTHING;
        sentFor = null;
        if (registration != null && registration.isValid()) {
            registration.cancel();
        }
        try {
            socket.close();
        } catch (IOException gone) {
            // it is closed all the same
        }
    }
}
