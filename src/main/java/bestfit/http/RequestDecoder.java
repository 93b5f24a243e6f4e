package bestfit.http;

import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http.HttpDecoderConfig;
import io.netty.handler.codec.http.HttpMessage;
import io.netty.handler.codec.http.HttpRequestDecoder;

/** Netty's decoder, which also keeps the time of the latest socket read and refuses ambiguous message lengths. */
final class RequestDecoder extends HttpRequestDecoder {
    private long readNanos = System.nanoTime();
    private long partialSinceNanos;

    RequestDecoder(int maxHeaderBytes) {
        super(new HttpDecoderConfig()
                .setMaxInitialLineLength(maxHeaderBytes)
                .setMaxHeaderSize(maxHeaderBytes)
                .setMaxChunkSize(64 << 10));
    }

    /** {@link System#nanoTime()} of the latest socket read. */
    long readNanos() {
        return readNanos;
    }

    /** {@link System#nanoTime()} of the first byte after the latest whole request; 0 when there is none. */
    long partialSinceNanos() {
        return partialSinceNanos;
    }

    /** A request is whole: what was read of it is no part of one any more. */
    void whole() {
        partialSinceNanos = 0;
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) throws Exception {
        readNanos = System.nanoTime();
        if (partialSinceNanos == 0) {
            partialSinceNanos = readNanos;
        }
        super.channelRead(context, message);
    }

    /** Two lengths that may disagree are how requests are smuggled past a proxy (RFC 9112, 6.1), so neither is believed. */
    @Override
    protected void handleTransferEncodingChunkedWithContentLength(HttpMessage message) {
        throw new IllegalArgumentException("both Content-Length and Transfer-Encoding");
    }
}
