package bestfit.node;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import bestfit.config.Json;
import bestfit.http.HttpClient;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** The management API and the balanced port, with real engine processes that compute nothing. */
@Tag("slow")
class NodeContractTest {
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private final HttpClient http = new HttpClient();

    @TempDir
    Path home;

    private NodeServer node;
    private String management;
    private String inference;

    @BeforeEach
    void start() throws IOException {
        start(true, Duration.ofMinutes(1), Duration.ofSeconds(2));
    }

    @AfterEach
    void close() {
        node.close();
    }

    private void start(boolean replace, Duration startTimeout, Duration drain) throws IOException {
        node = NodeServer.start(options(home, replace, startTimeout, drain, fakeEngine()));
        management = node.announcement().path("management").stringValue();
        inference = node.announcement().path("inference").stringValue();
    }

    private void restart(boolean replace, Duration startTimeout) throws IOException {
        node.close();
        start(replace, startTimeout, Duration.ofSeconds(2));
    }

    static NodeOptions options(Path home, boolean replace, Duration startTimeout) {
        return options(home, replace, startTimeout, Duration.ofSeconds(2), fakeEngine());
    }

    static NodeOptions options(Path home, boolean replace, Duration startTimeout, Duration drain, List<String> engine) {
        var environment = new HashMap<>(System.getenv());
        environment.put("SOME_API_KEY", "hidden");
        environment.put("some_password", "hidden");
        return new NodeOptions(
                "127.0.0.1",
                0,
                0,
                new EngineProgram.Command(new CommandTemplate(engine)),
                2,
                replace,
                new StartLimit.Fixed(startTimeout),
                Duration.ofMinutes(2),
                drain,
                List.of(),
                NodeOptions.Security.NONE,
                bestfit.http.HttpServer.Limits.DEFAULTS,
                home,
                environment,
                "test");
    }

    static List<String> fakeEngine() {
        return List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-XX:+UseSerialGC",
                "-cp",
                System.getProperty("java.class.path"),
                FakeEngine.class.getName());
    }

    private HttpClient.Answer up(String... args) throws IOException {
        return post("/api/v1/inference/up", request(args));
    }

    private static String request(String... args) {
        var body = Json.object().put("model", "some/model").put("dtype", "float16");
        var list = body.putArray("additional_args");
        for (var arg : args) {
            list.add(arg);
        }
        return body.toString();
    }

    private HttpClient.Answer post(String path, String body) throws IOException {
        return http.call("POST", management + path, Map.of(), body.getBytes(StandardCharsets.UTF_8), PATIENCE);
    }

    private JsonNode get(String url) throws IOException {
        return http.get(url, PATIENCE).json().orElseThrow();
    }

    private String state() throws IOException {
        return get(management + "/api/v1/state").path("state").stringValue();
    }

    private JsonNode instances() throws IOException {
        return get(management + "/api/v1/inference/instances").path("instances");
    }

    private static boolean running(long pid) {
        return ProcessTable.find(pid).isPresent();
    }

    @Test
    void idleNode_isStopped_andRefusesInference() throws IOException {
        assertThat(get(management + "/api/v1/state").toString())
                .isEqualTo("{\"version\":\"test\",\"state\":\"STOPPED\",\"poc_status\":null,"
                        + "\"inference_healthy\":null,\"loaded_model\":null}");
        assertThatThrownBy(() -> http.get(inference + "/health", PATIENCE)).isInstanceOf(IOException.class);
        var relayed = http.get(management + "/v1/models", PATIENCE);
        assertThat(relayed.status()).isEqualTo(503);
        assertThat(relayed.text()).isEqualTo("No vLLM backend available");
        assertThat(get(management + "/health")
                        .path("managers")
                        .path("inference")
                        .toString())
                .isEqualTo("{\"running\":false,\"healthy\":true}");
        assertThat(get(management + "/api/v1/inference/up/status").toString())
                .isEqualTo("{\"status\":\"not_started\",\"is_starting\":false,\"is_running\":false,"
                        + "\"elapsed_seconds\":null,\"error\":null}");
        assertThat(http.get(management + "/api/v1/train/status", PATIENCE).status())
                .isEqualTo(404);
        assertThat(post("/api/v1/inference/down", "").text()).isEqualTo("{\"status\":\"OK\"}");
    }

    @Test
    void up_startsAsManyInstancesAsDevicesHold_andBalances() throws IOException {
        assertThat(up("--some-flag", "x y", "-q").text()).isEqualTo("{\"status\":\"OK\"}");
        assertThat(state()).isEqualTo("INFERENCE");
        assertThat(instances()).hasSize(2);
        var devices = new HashSet<String>();
        for (int i = 0; i < 4; i++) {
            var self = get(inference + "/v1/self");
            devices.add(self.path("devices").stringValue());
            assertThat(self.path("args").toString())
                    .contains("\"--model\",\"some/model\",\"--dtype\",\"float16\",\"--port\"")
                    .endsWith("\"--some-flag\",\"x y\",\"-q\"]");
            assertThat(self.path("secret").isNull()).isTrue();
        }
        assertThat(devices).containsExactlyInAnyOrder("0", "1");
        assertThat(get(management + "/v1/self").path("pid").isNumber()).isTrue();
        var current = get(management + "/api/v1/inference/current");
        assertThat(current.path("additional_args").toString()).isEqualTo("[\"--some-flag\",\"x y\",\"-q\"]");
        assertThat(get(management + "/api/v1/inference/logs?instance=1&lines=1").toString())
                .isEqualTo("{\"instance\":1,\"lines\":[\"INFO:     Application startup complete.\"]}");

        long pid = instances().get(0).path("pid").asLong();
        assertThat(post("/api/v1/stop", "").status()).isEqualTo(200);
        assertThat(state()).isEqualTo("STOPPED");
        assertThat(running(pid)).isFalse();
        assertThatThrownBy(() -> http.get(inference + "/health", PATIENCE)).isInstanceOf(IOException.class);
    }

    @Test
    void tooManyDevices_isNamed() throws IOException {
        var answer = up("--tensor-parallel-size", "4");
        assertThat(answer.status()).isEqualTo(500);
        assertThat(answer.text())
                .contains("vLLM process exited prematurely: device-count: an instance needs 4 devices")
                .contains("this node has 2");
        assertThat(state()).isEqualTo("STOPPED");
    }

    @Test
    void exitAtStart_givesTheEnginesOwnError() throws IOException {
        var answer = up("--fake", "exit").json().orElseThrow();
        assertThat(answer.path("detail").stringValue())
                .isEqualTo("vLLM process exited prematurely: out-of-memory: "
                        + "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB.");
        assertThat(answer.path("failure").path("class").stringValue()).isEqualTo("out-of-memory");
        assertThat(get(management + "/api/v1/inference/up/status")
                        .path("status")
                        .stringValue())
                .isEqualTo("failed");
        assertThat(up().status()).isEqualTo(200);
    }

    /** A machine that starts engines slowly gets more time, and one that never gets ready costs little. */
    @Test
    void learnedStartLimit_followsTheSlowestStart() {
        var limit = new StartLimit.Learned();
        assertThat(limit.after(Duration.ZERO)).isEqualTo(Duration.ofSeconds(60));
        assertThat(limit.after(Duration.ofMillis(1100))).isEqualTo(Duration.ofSeconds(15));
        assertThat(limit.after(Duration.ofSeconds(9))).isEqualTo(Duration.ofSeconds(90));
    }

    @Test
    void neverReady_isATimeout_andLeavesNoProcess() throws IOException {
        restart(true, Duration.ofSeconds(2));
        var failed = up("--fake", "deaf").json().orElseThrow();
        assertThat(failed.path("failure").path("class").stringValue()).isEqualTo("start-timeout");
        assertThat(instances()).isEmpty();
    }

    @Test
    void deathUnderLoad_isNoted_andTheEngineStartedAgain() throws IOException {
        // The node's own first request is the first.
        assertThat(up("--tensor-parallel-size", "2", "--fake", "die:2").status())
                .isEqualTo(200);
        long first = instances().get(0).path("pid").asLong();
        var broken = http.call("POST", inference + "/v1/completions", Map.of(), new byte[0], PATIENCE);
        assertThat(broken.status()).isEqualTo(502);
        await().atMost(PATIENCE).untilAsserted(() -> {
            var instance = instances().get(0);
            assertThat(instance.path("state").stringValue()).isEqualTo("serving");
            assertThat(instance.path("restarts").asInt()).isEqualTo(1);
            assertThat(instance.path("pid").asLong()).isNotEqualTo(first);
            assertThat(instance.path("failure").path("class").stringValue()).isEqualTo("died-under-load");
            assertThat(instance.path("failure").path("line").stringValue()).isEqualTo("AssertionError: lost a block");
        });
    }

    @Test
    void duringAStart_furtherUpsAreRefused_andDownEndsIt() throws IOException {
        assertThat(post("/api/v1/inference/up/async", request("--fake", "deaf")).text())
                .isEqualTo("{\"status\":\"starting\",\"message\":\"Inference startup initiated in background\"}");
        assertThat(up().status()).isEqualTo(409);
        assertThat(get(management + "/api/v1/inference/up/status")
                        .path("status")
                        .stringValue())
                .isEqualTo("in_progress");
        await().atMost(PATIENCE)
                .until(() -> instances().size() == 2
                        && instances().get(1).path("pid").asLong() > 0);
        long pid = instances().get(1).path("pid").asLong();
        assertThat(post("/api/v1/inference/down", "").status()).isEqualTo(200);
        assertThat(running(pid)).isFalse();
        assertThat(get(management + "/api/v1/inference/up/status")
                        .path("status")
                        .stringValue())
                .isEqualTo("not_started");
    }

    @Test
    void refusingNode_keepsWhatRuns() throws IOException {
        restart(false, PATIENCE);
        assertThat(up("-tp", "2").status()).isEqualTo(200);
        var second = up();
        assertThat(second.status()).isEqualTo(409);
        assertThat(second.text())
                .isEqualTo("{\"detail\":\"VLLM is already running. Use /inference/down to stop it first.\"}");
        assertThat(instances()).hasSize(1);
    }

    @Test
    void sickInstance_leavesTheRotation_andComesBack() throws IOException {
        assertThat(up().status()).isEqualTo(200);
        var engine = "http://127.0.0.1:" + instances().get(0).path("port").asInt();
        http.call("POST", engine + "/fake/sick", Map.of(), new byte[0], PATIENCE);
        await().atMost(PATIENCE).until(() -> devicesSeen().equals(java.util.Set.of("1")));
        http.call("POST", engine + "/fake/well", Map.of(), new byte[0], PATIENCE);
        await().atMost(PATIENCE).until(() -> devicesSeen().equals(java.util.Set.of("0", "1")));
        assertThat(instances().get(0).path("restarts").asInt()).isZero();
    }

    private java.util.Set<String> devicesSeen() throws IOException {
        var seen = new HashSet<String>();
        for (int i = 0; i < 4; i++) {
            seen.add(get(inference + "/v1/self").path("devices").stringValue());
        }
        return seen;
    }

    @Test
    void down_cutsStreamsAtOnce_andEndsStubbornEnginesWithAllTheyStarted() throws Exception {
        node.close();
        // What is ignored stays ignored in the program that replaces the shell.
        var stubborn = new ArrayList<>(List.of("sh", "-c", "trap '' INT TERM; exec \"$@\"", "sh"));
        stubborn.addAll(fakeEngine());
        node = NodeServer.start(options(home, true, PATIENCE, Duration.ofSeconds(2), stubborn));
        management = node.announcement().path("management").stringValue();
        inference = node.announcement().path("inference").stringValue();
        assertThat(up("-tp=2", "--fake", "heir").status()).isEqualTo(200);
        long session = instances().get(0).path("pid").asLong();
        assertThat(ProcessTable.session(session)).hasSizeGreaterThan(1);
        var cut = streamEnd();
        await().atMost(PATIENCE)
                .until(() -> instances().get(0).path("in_flight").asInt() == 1);
        var down = CompletableFuture.supplyAsync(() -> {
            try {
                return post("/api/v1/inference/down", "").status();
            } catch (IOException e) {
                return -1;
            }
        });
        assertThat(cut.join()).isEqualTo("cut");
        assertThat(ProcessTable.session(session))
                .as("it ignores what it is told")
                .isNotEmpty();
        assertThat(down.join()).isEqualTo(200);
        assertThat(ProcessTable.session(session)).isEmpty();
    }

    /** How an answer ends that its engine never ends. */
    private CompletableFuture<String> streamEnd() {
        return CompletableFuture.supplyAsync(() -> {
            try {
                return "ended with "
                        + http.get(inference + "/v1/slow", PATIENCE).status();
            } catch (IOException cut) {
                return "cut";
            }
        });
    }

    @Test
    void replace_letsEndWhatEndsInTime_andCutsTheRest() throws Exception {
        node.close();
        start(true, PATIENCE, Duration.ofMinutes(1));
        assertThat(up("-tp=2").status()).isEqualTo(200);
        var whole = CompletableFuture.supplyAsync(() -> {
            try {
                return http.get(inference + "/v1/stream?n=50", PATIENCE).text();
            } catch (IOException cut) {
                return "cut";
            }
        });
        await().atMost(PATIENCE)
                .until(() -> instances().get(0).path("in_flight").asInt() == 1);
        assertThat(up("-tp=2").status()).isEqualTo(200);
        assertThat(whole.join()).endsWith("data: 49\n\ndata: [DONE]\n\n");

        restart(true, PATIENCE);
        assertThat(up("-tp=2").status()).isEqualTo(200);
        var cut = streamEnd();
        await().atMost(PATIENCE)
                .until(() -> instances().get(0).path("in_flight").asInt() == 1);
        assertThat(up("-tp=2").status()).isEqualTo(200);
        assertThat(cut.join()).isEqualTo("cut");
    }

    @Test
    void engineInAContainer_isGivenItsDevicesAndArgs_andEndedByTermAlone() throws Exception {
        node.close();
        var folder = Files.createDirectories(home.resolve("bin"));
        var seen = folder.resolve("seen");
        // As docker run: the program that is started is a client; it passes signals on to what runs elsewhere.
        var docker = Files.writeString(
                folder.resolve("docker"), """
                #!/bin/sh
                echo "$*" > %s
                port=${6#127.0.0.1:}
                port=${port%%:*}
                shift 7
                trap 'echo INT >> %s' INT
                trap 'echo TERM >> %s; kill "$engine"' TERM
                setsid env -u CUDA_VISIBLE_DEVICES %s --port "$port" "$@" &
                engine=$!
                wait
                wait
                """.formatted(seen, seen, seen, String.join(" ", fakeEngine())));
        assertThat(docker.toFile().setExecutable(true)).isTrue();
        var command = "'" + docker + "' run --rm --gpus '\"device={devices}\"' -p 127.0.0.1:{port}:8000 image"
                + " --model {model} --dtype {dtype} {args}";
        node = NodeServer.start(options(
                home,
                true,
                PATIENCE,
                Duration.ofSeconds(2),
                CommandTemplate.parse(command).words()));
        management = node.announcement().path("management").stringValue();
        inference = node.announcement().path("inference").stringValue();
        assertThat(up("-tp", "2", "--some-flag", "x").text()).isEqualTo("{\"status\":\"OK\"}");
        assertThat(Files.readString(seen))
                .startsWith("run --rm --gpus \"device=0,1\" -p 127.0.0.1:")
                .endsWith(":8000 image --model some/model --dtype float16 -tp 2 --some-flag x\n");
        long session = instances().get(0).path("pid").asLong();
        var self = get(inference + "/v1/self");
        assertThat(self.path("devices").isNull()).isTrue();
        assertThat(self.path("args").toString()).endsWith("\"-tp\",\"2\",\"--some-flag\",\"x\"]");
        assertThat(post("/api/v1/inference/down", "").status()).isEqualTo(200);
        assertThat(ProcessTable.session(session)).isEmpty();
        assertThat(running(self.path("pid").asLong())).isFalse();
        assertThat(Files.readAllLines(seen)).hasSize(2).endsWith("TERM");
    }
}
