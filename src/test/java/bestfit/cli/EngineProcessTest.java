package bestfit.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import bestfit.config.Json;
import bestfit.http.HttpClient;
import java.io.IOException;
import java.net.BindException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The engine as a node meets it: a process with a first line, a log and an exit code. */
@Tag("slow")
@Tag("together")
class EngineProcessTest {
    private static final String LONG = "{\"prompt\":\"x\",\"max_tokens\":400,\"ignore_eos\":true,\"stream\":true}";
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    @TempDir
    private Path folder;

    private @Nullable Process process;
    private final HttpClient client = new HttpClient();

    @AfterEach
    void end() {
        if (process != null) {
            process.destroyForcibly();
        }
    }

    private Process start(boolean parentPipe, String... args) throws IOException {
        var command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--add-modules",
                "jdk.incubator.vector",
                "-cp",
                System.getProperty("java.class.path"),
                "bestfit.cli.Main",
                "engine"));
        command.addAll(List.of(args));
        var builder = new ProcessBuilder(command).redirectError(log().toFile());
        builder.environment().remove("CUDA_VISIBLE_DEVICES");
        builder.environment().put("BESTFIT_PARENT_PIPE", parentPipe ? "1" : "0");
        var started = builder.start();
        process = started;
        return started;
    }

    private Path log() {
        return folder.resolve("engine.log");
    }

    private static String url(Process engine) throws IOException {
        var line = engine.inputReader(StandardCharsets.UTF_8).readLine();
        assertThat(line).as("first line of standard output").isNotNull();
        var ready = Json.parse(line);
        assertThat(ready.path("pid").asLong()).isEqualTo(engine.pid());
        return ready.path("engine").asString();
    }

    private HttpClient.Answer complete(String url, String body) throws IOException {
        return client.call(
                "POST",
                url + "/v1/completions",
                Map.of("Content-Type", "application/json"),
                body.getBytes(StandardCharsets.UTF_8),
                PATIENCE);
    }

    private static int exitCode(Process engine) throws InterruptedException {
        assertThat(engine.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)).isTrue();
        return engine.exitValue();
    }

    @Test
    void engineThatDies_breaksItsStreams_answers503_andEndsWithZero() throws IOException, InterruptedException {
        var engine = start(false, "tiny", "--port", "0", "--fault", "die:20");
        var url = url(engine);
        var answer = complete(url, LONG);
        assertThat(answer.status()).isEqualTo(200);
        assertThat(answer.text())
                .contains("data: {\"error\": {\"message\": \"EngineCore encountered an issue")
                .endsWith("data: [DONE]\n\n");
        assertThat(client.get(url + "/health", PATIENCE).status()).isEqualTo(503);
        assertThat(exitCode(engine)).isZero();
        assertThat(Files.readString(log())).contains("EngineCore encountered a fatal error.");
    }

    @Test
    void engineThatCrashes_isGoneWithOne() throws IOException, InterruptedException {
        var engine = start(false, "tiny", "--port", "0", "--fault", "crash:20");
        var url = url(engine);
        try {
            complete(url, LONG);
        } catch (IOException cut) {
            assertThat(cut).isNotNull();
        }
        assertThat(exitCode(engine)).isEqualTo(1);
    }

    @Test
    void termination_abortsWhatIsInFlight_andEndsWithZero() throws IOException, InterruptedException {
        var engine = start(false, "tiny", "--port", "0", "--fault", "hang:20");
        var url = url(engine);
        var answers = new ArrayList<String>();
        var asking = Thread.ofVirtual().start(() -> {
            try {
                answers.add(complete(url, LONG).text());
            } catch (IOException e) {
                answers.add(e.toString());
            }
        });
        await().atMost(PATIENCE)
                .until(() -> client.get(url + "/metrics", PATIENCE)
                        .text()
                        .matches("(?s).*vllm:num_requests_running\\{[^}]*} 1\\.0.*"));
        assertThat(client.get(url + "/health", PATIENCE).status()).isEqualTo(200);
        engine.destroy();
        assertThat(exitCode(engine)).isZero();
        asking.join();
        assertThat(answers.getFirst()).contains("\"finish_reason\":\"abort\"").endsWith("data: [DONE]\n\n");
    }

    @Test
    void parentThatLeaves_endsTheEngine() throws IOException, InterruptedException {
        var engine = start(true, "--model", "tiny", "--dtype", "bfloat16", "--host", "127.0.0.1", "--port", "0");
        url(engine);
        engine.getOutputStream().close();
        assertThat(exitCode(engine)).isZero();
    }

    /** vLLM binds its port before it loads and listens afterwards. */
    @Test
    void whileItLoads_itsPortIsTaken_andRefuses() throws IOException {
        int port;
        try (var free = new ServerSocket(0)) {
            port = free.getLocalPort();
        }
        start(false, "tiny", "--port", String.valueOf(port), "--fault", "never-ready");
        await().atMost(PATIENCE).until(() -> Files.readString(log()).contains("Starting to load model"));
        assertThatThrownBy(() -> client.get("http://127.0.0.1:" + port + "/health", PATIENCE))
                .isInstanceOf(ConnectException.class);
        assertThatThrownBy(() -> {
                    try (var other = new ServerSocket()) {
                        other.setReuseAddress(false);
                        other.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
                    }
                })
                .isInstanceOf(BindException.class);
    }

    @Test
    void whatCannotStart_saysWhy() throws IOException, InterruptedException {
        assertThat(exitCode(start(false, "tiny", "--no-such-flag"))).isEqualTo(2);
        assertThat(Files.readString(log())).contains("error: unrecognized arguments: --no-such-flag");
        assertThat(exitCode(start(false, "tiny", "--port", "0", "--fault", "exit")))
                .isEqualTo(1);
        assertThat(Files.readString(log())).contains("EngineCore failed to start.");
        assertThat(exitCode(start(false, "/no/such/model"))).isEqualTo(1);
        assertThat(Files.readString(log()))
                .contains("bestfit: model /no/such/model: no such directory; give a directory")
                .endsWith(
                        "Error: Repo id must be in the form 'repo_name' or 'namespace/repo_name': '/no/such/model'. Use"
                                + " `repo_type` argument if needed.\n");
        assertThat(exitCode(start(false, folder.toString()))).isEqualTo(1);
        assertThat(Files.readString(log()))
                .contains("  Value error, Invalid repository ID or local directory specified: '" + folder + "'.\n");
        try (var taken = new ServerSocket(0)) {
            var engine = start(false, "tiny", "--port", String.valueOf(taken.getLocalPort()));
            assertThat(exitCode(engine)).isEqualTo(1);
        }
        assertThat(Files.readString(log()))
                .endsWith("\nOSError: [Errno 98] Address already in use\n")
                .contains("non-default args: ")
                .doesNotContain("Resolved architecture")
                .doesNotContain("\tat ");
    }
}
