package bestfit.http;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;

/** A server that misbehaves as told: each connection runs the script with its number, from 0. */
final class ScriptedServer implements AutoCloseable {
    interface Script {
        void run(int number, Peer peer) throws Exception;
    }

    /** The server's end of a connection. */
    record Peer(Socket socket) {
        /** Reads one request with a Content-Length body or none; empty at the end of the connection. */
        String request() throws IOException {
            ByteArrayOutputStream read = new ByteArrayOutputStream();
            String head = "";
            while (!head.endsWith("\r\n\r\n")) {
                int next = socket.getInputStream().read();
                if (next < 0) {
                    return "";
                }
                read.write(next);
                head = read.toString(StandardCharsets.ISO_8859_1);
            }
            int at = head.toLowerCase(java.util.Locale.ROOT).indexOf("content-length: ");
            int length = at < 0 ? 0 : Integer.parseInt(head.substring(at + 16, head.indexOf('\r', at)));
            return head + new String(socket.getInputStream().readNBytes(length), StandardCharsets.ISO_8859_1);
        }

        void send(String text) throws IOException {
            socket.getOutputStream().write(text.getBytes(StandardCharsets.ISO_8859_1));
        }

        void reset() throws IOException {
            socket.setSoLinger(true, 0);
            socket.close();
        }
    }

    private final ServerSocket listener;
    private final CopyOnWriteArrayList<Socket> open = new CopyOnWriteArrayList<>();
    private final AtomicInteger accepted = new AtomicInteger();

    ScriptedServer(Script script) throws IOException {
        listener = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        Thread.ofVirtual().start(() -> accept(script));
    }

    private void accept(Script script) {
        try {
            while (true) {
                Socket socket = listener.accept();
                socket.setTcpNoDelay(true);
                open.add(socket);
                int number = accepted.getAndIncrement();
                Thread.ofVirtual().start(() -> serve(script, number, socket));
            }
        } catch (IOException e) {
            // closed
        }
    }

    private static void serve(Script script, int number, Socket socket) {
        try (socket) {
            script.run(number, new Peer(socket));
        } catch (Exception e) {
            // the other side left, or the test is over
        }
    }

    int port() {
        return listener.getLocalPort();
    }

    int accepted() {
        return accepted.get();
    }

    @Override
    public void close() throws IOException {
        listener.close();
        for (Socket socket : open) {
            socket.close();
        }
    }
}
