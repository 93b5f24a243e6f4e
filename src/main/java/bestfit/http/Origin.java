package bestfit.http;

import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.UnknownHostException;
import java.util.Locale;

/**
 * Where a client's request goes.
 *
 * @param secure speak HTTPS
 * @param host a name or an address, without brackets
 * @param target path and query, as sent
 */
record Origin(boolean secure, String host, int port, String target) {
    /** @throws IllegalArgumentException if the URL is not an http or https one */
    static Origin of(String url) {
        URI parsed;
        try {
            parsed = URI.create(url);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("not a URL of the form http://HOST:PORT/PATH: " + url, e);
        }
        return of(parsed);
    }

    /** @throws IllegalArgumentException if the URL is not an http or https one */
    static Origin of(URI url) {
        String scheme = url.getScheme() == null ? "" : url.getScheme().toLowerCase(Locale.ROOT);
        String host = url.getHost();
        boolean secure = scheme.equals("https");
        if ((!secure && !scheme.equals("http")) || host == null) {
            throw new IllegalArgumentException("not a URL of the form http://HOST:PORT/PATH: " + url);
        }
        String path = url.getRawPath().isEmpty() ? "/" : url.getRawPath();
        String target = url.getRawQuery() == null ? path : path + "?" + url.getRawQuery();
        String bare = host.startsWith("[") ? host.substring(1, host.length() - 1) : host;
        return new Origin(secure, bare, url.getPort() < 0 ? defaultPort(secure) : url.getPort(), target);
    }

    private static int defaultPort(boolean secure) {
        return secure ? 443 : 80;
    }

    /** Resolves the host; may block on DNS, addresses do not. */
    InetSocketAddress address() throws UnknownHostException {
        try {
            return new InetSocketAddress(InetAddress.getByName(host), port);
        } catch (UnknownHostException e) {
            throw new UnknownHostException("unknown host " + host);
        }
    }

    String hostHeader() {
        String bracketed = host.indexOf(':') >= 0 ? "[" + host + "]" : host;
        return port == defaultPort(secure) ? bracketed : bracketed + ":" + port;
    }

    /** What a person needs to read of a failed connection. */
    static String describe(Throwable cause) {
        if (cause instanceof ConnectException) {
            return "connection refused or not reachable";
        }
        var tls = ErrorText.ofTls(cause);
        if (tls.isPresent()) {
            return tls.get() + " (--ca takes the certificates of an authority of your own)";
        }
        String message = cause.getMessage();
        return cause instanceof IOException && message != null ? ErrorText.plain(message) : cause.toString();
    }
}
