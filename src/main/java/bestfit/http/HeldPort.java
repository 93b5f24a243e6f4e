package bestfit.http;

import java.io.IOException;
import java.net.BindException;
import java.net.Socket;

/**
 * A port that is bound but not listened on: connections are refused, and who else wants it is told that it is taken.
 * {@link HttpServer#start} takes it meanwhile.
 */
public final class HeldPort implements AutoCloseable {
    private final Socket socket;

    private HeldPort(Socket socket) {
        this.socket = socket;
    }

    /**
     * Binds.
     *
     * @param port 0 takes a free one
     * @throws BindException naming host and port if it is taken
     */
    public static HeldPort take(String host, int port) throws BindException {
        var address = HttpServer.address(host, port);
        // Linux lets a listener beside it, as long as both say so and none listens yet.
        var socket = new Socket();
        try {
            socket.setReuseAddress(true);
            socket.bind(address);
            return new HeldPort(socket);
        } catch (IOException taken) {
            new HeldPort(socket).close();
            throw HttpServer.cannotListen(host, port, HttpServer.reason(taken));
        }
    }

    /** The port bound, also when 0 was given. */
    public int port() {
        return socket.getLocalPort();
    }

    @Override
    public void close() {
        try {
            socket.close();
        } catch (IOException gone) {
            // Then it is free, which is what closing is for.
        }
    }
}
