package bestfit.load;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import bestfit.config.ConfigException;
import bestfit.http.HttpClient;
import bestfit.http.Tls;
import bestfit.workload.Extent;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.time.Duration;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executors;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HttpsTest {
    private static final Duration LIMIT = Duration.ofSeconds(20);
    private static final String ANSWER = """
            data: {"choices":[{"delta":{"content":"a"}}]}

            data: {"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1}}

            data: [DONE]

            """;
    private static final char[] PASSWORD = "changeit".toCharArray();

    @TempDir
    Path folder;

    private HttpsServer server;
    private final List<String> authorizations = Collections.synchronizedList(new ArrayList<>());

    @BeforeEach
    void start() throws Exception {
        keytool("-genkeypair", "-alias", "s", "-keyalg", "EC", "-dname", "CN=127.0.0.1", "-ext", "san=ip:127.0.0.1");
        keytool("-exportcert", "-alias", "s", "-rfc", "-file", "ca.pem");
        var keys = KeyStore.getInstance(folder.resolve("keys").toFile(), PASSWORD);
        var managers = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        managers.init(keys, PASSWORD);
        var context = SSLContext.getInstance("TLS");
        context.init(managers.getKeyManagers(), null, null);
        server = HttpsServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.setHttpsConfigurator(new HttpsConfigurator(context));
        server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
        server.createContext("/", exchange -> {
            authorizations.add(String.valueOf(exchange.getRequestHeaders().getFirst("Authorization")));
            exchange.getRequestBody().readAllBytes();
            exchange.sendResponseHeaders(200, 0);
            try (var out = exchange.getResponseBody()) {
                out.write(ANSWER.getBytes(StandardCharsets.UTF_8));
            }
        });
        server.start();
    }

    @AfterEach
    void stop() {
        server.stop(0);
    }

    private void keytool(String... args) throws IOException, InterruptedException {
        var command = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "keytool") + ""));
        command.addAll(List.of(args));
        command.addAll(List.of("-keystore", "keys", "-storepass", new String(PASSWORD)));
        var process = new ProcessBuilder(command)
                .directory(folder.toFile())
                .redirectErrorStream(true)
                .start();
        var told = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(told).isZero();
    }

    private LoadResult run(Tls tls) throws InterruptedException {
        var target = new LoadTarget(
                List.of("https://127.0.0.1:" + server.getAddress().getPort()),
                "m",
                Map.of("Authorization", "Bearer t"),
                tls);
        var job = new LoadJob(
                (_, _) -> Dialogue.single("{}".getBytes(StandardCharsets.UTF_8), 1),
                Integer.MAX_VALUE,
                new Arrivals.Closed(3, Duration.ZERO),
                new Extent.Requests(9),
                new TimeLimits(LIMIT, LIMIT, LIMIT, LIMIT),
                Duration.ZERO,
                0,
                new BitSet(),
                0);
        try (var generator = LoadGenerator.open()) {
            return generator.run(target, LoadTarget.CHAT, job, _ -> {}, new StopSignal());
        }
    }

    @Test
    void ownAuthority_isTrustedOnlyIfGiven() throws Exception {
        var trusting = Tls.trusting(folder.resolve("ca.pem"));
        assertThat(run(trusting).measurements()).hasSize(9).allMatch(m -> m.failure() == null);
        assertThat(authorizations).hasSize(9).containsOnly("Bearer t");
        assertThat(run(Tls.SYSTEM).measurements())
                .hasSize(9)
                .allMatch(m -> String.valueOf(m.failure()).startsWith("refused: TLS: "));
        var url = "https://127.0.0.1:" + server.getAddress().getPort() + "/v1/models";
        assertThat(new HttpClient(trusting).get(url, LIMIT).status()).isEqualTo(200);
        assertThatThrownBy(() -> new HttpClient().get(url, LIMIT)).isInstanceOf(IOException.class);
    }

    @Test
    void serverWithoutTls_isNamed() throws Exception {
        try (var plain = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            Thread.ofVirtual().start(() -> refuseOne(plain));
            var url = "https://127.0.0.1:" + plain.getLocalPort() + "/v1/models";
            assertThatThrownBy(() -> new HttpClient().get(url, LIMIT))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("TLS: the server speaks none; its URL begins with http://");
        }
    }

    private static void refuseOne(ServerSocket plain) {
        try (var connection = plain.accept()) {
            connection.getInputStream().read(new byte[16 << 10]); // what is left unread would turn the end into a reset
            connection.getOutputStream().write("HTTP/1.1 400 Bad Request\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void fileWithoutCertificate_isRefused() throws IOException {
        var file = Files.writeString(folder.resolve("none.pem"), "nothing");
        assertThatThrownBy(() -> Tls.trusting(file))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("PEM");
    }
}
