package bestfit.node;

import bestfit.config.Json;
import bestfit.http.HttpClient;
import bestfit.http.HttpServer;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** A node in this process with the calls that tests make. Its engines are processes that compute nothing, unless others are named. */
final class NodeUnderTest implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final Map<String, String> JSON = Map.of("Content-Type", "application/json");

    /** What the node is like; a test changes what it is about. */
    static final class Setup {
        EngineProgram engine = new EngineProgram.Command(new CommandTemplate(fakeEngine()));
        int devices = 2;
        boolean replace = true;
        Duration startTimeout = PATIENCE;
        Duration hangGrace = Duration.ofMinutes(2);
        Duration drain = Duration.ofSeconds(2);
        List<URI> attached = List.of();
        NodeOptions.Security security = NodeOptions.Security.NONE;

        private NodeOptions options(Path home) {
            var environment = new HashMap<>(System.getenv());
            environment.put("SOME_API_KEY", "hidden");
            environment.put("some_password", "hidden");
            return new NodeOptions(
                    "127.0.0.1",
                    0,
                    0,
                    engine,
                    Devices.counted(devices),
                    replace,
                    new StartLimit.Fixed(startTimeout),
                    hangGrace,
                    drain,
                    attached,
                    security,
                    HttpServer.Limits.DEFAULTS,
                    home,
                    environment,
                    "test");
        }
    }

    final String management;
    final String inference;
    private final NodeServer server;
    private final HttpClient http = new HttpClient();

    private NodeUnderTest(NodeServer server) {
        this.server = server;
        management = server.announcement().path("management").stringValue();
        inference = server.announcement().path("inference").stringValue();
    }

    static NodeUnderTest start(Path home) throws IOException {
        return start(home, _ -> {});
    }

    static NodeUnderTest start(Path home, Consumer<Setup> change) throws IOException {
        var setup = new Setup();
        change.accept(setup);
        return new NodeUnderTest(NodeServer.start(setup.options(home)));
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

    /** The body that has {@code model} deployed. */
    static ObjectNode request(String model, String... args) {
        var body = Json.object().put("model", model).put("dtype", "float16");
        List.of(args).forEach(body.putArray("additional_args")::add);
        return body;
    }

    HttpClient.Answer up(String... args) throws IOException {
        return up(request("some/model", args));
    }

    HttpClient.Answer up(ObjectNode request) throws IOException {
        return post(management + "/api/v1/inference/up", request.toString());
    }

    HttpClient.Answer upAsync(String... args) throws IOException {
        return post(
                management + "/api/v1/inference/up/async",
                request("some/model", args).toString());
    }

    HttpClient.Answer down() throws IOException {
        return post(management + "/api/v1/inference/down", "");
    }

    HttpClient.Answer post(String url, String body) throws IOException {
        return http.call("POST", url, JSON, body.getBytes(StandardCharsets.UTF_8), PATIENCE);
    }

    HttpClient.Answer answer(String url) throws IOException {
        return http.get(url, PATIENCE);
    }

    JsonNode get(String url) throws IOException {
        return answer(url).json().orElseThrow();
    }

    String state() throws IOException {
        return get(management + "/api/v1/state").path("state").stringValue();
    }

    JsonNode upStatus() throws IOException {
        return get(management + "/api/v1/inference/up/status");
    }

    JsonNode instances() throws IOException {
        return get(management + "/api/v1/inference/instances").path("instances");
    }

    JsonNode instance(int number) throws IOException {
        return instances().get(number);
    }

    /** Of an instance's engine itself, past the balancer. */
    static String engine(JsonNode instance) {
        return "http://127.0.0.1:" + instance.path("port").asInt();
    }

    /** Tells the engine of an instance how to behave from now on. */
    void tell(JsonNode instance, String behaviour) throws IOException {
        post(engine(instance) + "/fake/" + behaviour, "");
    }

    @Override
    public void close() {
        server.close();
    }
}
