package bestfit.http;

import bestfit.config.ConfigException;
import io.netty.buffer.ByteBufAllocator;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslHandler;
import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/** Whom a client trusts when it speaks HTTPS. The server's name is always checked. Thread-safe. */
public final class Tls {
    /** The certificate authorities that come with Java. */
    public static final Tls SYSTEM = new Tls(null);

    private final @Nullable File authorities;
    private volatile @Nullable SslContext context;

    private Tls(@Nullable File authorities) {
        this.authorities = authorities;
    }

    /**
     * Trusts only the authorities in a file.
     *
     * @param authorities one certificate or several, in PEM
     * @throws ConfigException if it holds none
     */
    public static Tls trusting(Path authorities) {
        var tls = new Tls(authorities.toFile());
        try {
            tls.context();
        } catch (SSLException | IllegalArgumentException e) {
            throw new ConfigException("certificate file " + authorities + " cannot be used ("
                    + (Files.isReadable(authorities) ? e.getMessage() : "it cannot be read")
                    + "); it takes certificates of authorities in PEM.");
        }
        return tls;
    }

    SslHandler handler(ByteBufAllocator allocator, String host, int port) throws SSLException {
        return context().newHandler(allocator, host, port);
    }

    private SslContext context() throws SSLException {
        var known = context;
        if (known == null) {
            var builder = SslContextBuilder.forClient();
            if (authorities != null) {
                builder.trustManager(authorities);
            }
            known = builder.build();
            context = known;
        }
        return known;
    }
}
