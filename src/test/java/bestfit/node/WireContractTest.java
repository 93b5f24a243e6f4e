package bestfit.node;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import bestfit.config.Json;
import bestfit.http.HttpClient;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;

/** MLNode's contract as a client on the network meets it: {@code bestfit node} as a process, with the embedded engine. */
@Tag("slow")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
@Tag("together")
class WireContractTest {
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final String UP = "{\"model\":\"tiny\",\"dtype\":\"auto\",\"additional_args\":%s}";
    private final HttpClient http = new HttpClient();
    private Process node;
    private String management;
    private String inference;

    @BeforeAll
    void start(@TempDir Path home) throws IOException {
        var builder = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "--enable-native-access=ALL-UNNAMED",
                        "-cp",
                        System.getProperty("java.class.path"),
                        "bestfit.cli.Main",
                        "node",
                        "--port=0",
                        "--inference-port=0",
                        "--devices=2",
                        "--engine=embedded")
                .redirectError(home.resolve("node.err").toFile());
        builder.environment().put("BESTFIT_HOME", home.toString());
        builder.environment().put("HF_HOME", home.resolve("hf").toString());
        node = builder.start();
        var announced = Json.parse(node.inputReader().readLine());
        management = announced.path("management").stringValue();
        inference = announced.path("inference").stringValue();
    }

    @AfterAll
    void end() throws InterruptedException {
        node.destroy();
        assertThat(node.waitFor(30, TimeUnit.SECONDS)).isTrue();
    }

    private HttpClient.Answer call(String method, String path, String contentType, String body) throws IOException {
        Map<String, String> headers = contentType.isEmpty() ? Map.of() : Map.of("Content-Type", contentType);
        return http.call(method, management + path, headers, body.getBytes(StandardCharsets.UTF_8), PATIENCE);
    }

    private HttpClient.Answer up(String args) throws IOException {
        return call("POST", "/api/v1/inference/up", "", UP.formatted(args));
    }

    private JsonNode get(String path) throws IOException {
        return call("GET", path, "", "").json().orElseThrow();
    }

    @Order(1)
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            nullValues = "-",
            value = {
                "{\"model\":\"m\"} | - | missing | [\"body\",\"dtype\"]",
                "{\"dtype\":\"auto\"} | - | missing | [\"body\",\"model\"]",
                "{\"model\":null,\"dtype\":\"auto\"} | - | string_type | [\"body\",\"model\"]",
                "{\"model\":\"m\",\"dtype\":7} | - | string_type | [\"body\",\"dtype\"]",
                "{\"model\":\"m\",\"dtype\":\"a\",\"additional_args\":[\"x\",1]} | - | string_type "
                        + "| [\"body\",\"additional_args\",1]",
                "{\"model\":\"m\",\"dtype\":\"a\",\"additional_args\":null} | - | list_type | [\"body\",\"additional_args\"]",
                "{\"model\":\"m\",\"dtype\":\"a\",\"additional_args\":\"-q\"} | - | list_type "
                        + "| [\"body\",\"additional_args\"]",
                "{\"model\": | - | json_invalid | [\"body\",9]",
                "[] | - | model_attributes_type | [\"body\"]",
                "- | - | missing | [\"body\"]",
                "{\"model\":\"m\",\"dtype\":\"a\"} | text/plain | model_attributes_type | [\"body\"]",
                "{\"model\":\"m\",\"dtype\":\"a\"} | application/x-www-form-urlencoded | model_attributes_type | [\"body\"]"
            })
    void bodiesThatAreNoRequest_are422(String body, String contentType, String type, String loc) throws IOException {
        for (var path : List.of("/api/v1/inference/up", "/api/v1/inference/up/async")) {
            var answer = call("POST", path, contentType == null ? "" : contentType, body == null ? "" : body);
            assertThat(answer.status()).isEqualTo(422);
            var detail = answer.json().orElseThrow().path("detail").get(0);
            assertThat(detail.path("type").stringValue()).isEqualTo(type);
            assertThat(detail.path("loc").toString()).isEqualTo(loc);
            assertThat(detail.has("msg") && detail.has("input")).isTrue();
        }
    }

    @Order(1)
    @ParameterizedTest
    @CsvSource({
        "GET,/api/v1/pow/status,404,Not Found",
        "POST,/api/v1/train/start,404,Not Found",
        "POST,/api/v1/inference/pow/generate,404,Not Found",
        "GET,/nothing,404,Not Found",
        "GET,/api/v1/inference/up,405,Method Not Allowed",
        "POST,/api/v1/state,405,Method Not Allowed",
        "GET,/api/v1/inference/down,405,Method Not Allowed",
        "OPTIONS,/api/v1/state,405,Method Not Allowed",
        "PUT,/v2/models,404,Not Found"
    })
    void otherPaths_areNotThere(String method, String path, int status, String detail) throws IOException {
        var answer = call(method, path, "", "");
        assertThat(answer.status()).isEqualTo(status);
        assertThat(answer.text()).isEqualTo("{\"detail\":\"" + detail + "\"}");
    }

    @Order(1)
    @Test
    void slashTooMany_isRedirected_asFastApiDoes() throws IOException {
        var answer = call("POST", "/api/v1/inference/up/?a=b", "", "");
        assertThat(answer.status()).isEqualTo(307);
        assertThat(answer.headers().get("location")).containsExactly("/api/v1/inference/up?a=b");
        assertThat(call("GET", "//evil.example/", "", "").status()).isEqualTo(404);
    }

    @Order(1)
    @Test
    void idleNode_answersEveryRoute() throws IOException {
        var state = get("/api/v1/state");
        assertThat(state.propertyNames())
                .contains("version", "state", "poc_status", "inference_healthy", "loaded_model");
        assertThat(state.path("state").stringValue()).isEqualTo("STOPPED");
        assertThat(get("/api/v1/versions").propertyNames())
                .containsExactly("version", "vllm_version", "poc_validation_inference");
        for (var path : List.of("/health", "/livez")) {
            assertThat(get(path).path("status").stringValue()).isEqualTo("healthy");
            assertThat(get(path).path("managers").path("inference").toString())
                    .isEqualTo("{\"running\":false,\"healthy\":true}");
        }
        assertThat(get("/readyz").toString()).isEqualTo("{\"ready\":true}");
        assertThat(get("/api/v1/gpu/devices").path("count").isInt()).isTrue();
        assertThat(get("/api/v1/models/list").path("models").isArray()).isTrue();
        assertThat(get("/api/v1/models/space").propertyNames())
                .containsExactly("cache_size_gb", "available_gb", "cache_path");
        assertThat(call("POST", "/api/v1/models/status", "", "{\"hf_repo\":\"no/such\",\"hf_commit\":null}")
                        .text())
                .isEqualTo("{\"model\":{\"hf_repo\":\"no/such\",\"hf_commit\":null},\"status\":\"NOT_FOUND\","
                        + "\"progress\":null,\"error_message\":null}");
        var gone = call("DELETE", "/api/v1/models", "", "{\"hf_repo\":\"no/such\"}");
        assertThat(gone.status() + gone.text())
                .isEqualTo("404{\"detail\":\"Model no/such:latest not found in cache\"}");
        assertThat(call("POST", "/api/v1/models/status", "", "{}").text()).contains("\"loc\":[\"body\",\"hf_repo\"]");
        assertThat(call("POST", "/api/v1/models/download", "", "{").text()).contains("json_invalid");
        for (var path : List.of("/metrics", "/api/v1/metrics")) {
            var metrics = call("GET", path, "", "");
            assertThat(metrics.text()).contains("gonka_metrics_schema_info{version=\"1\"} 1\n");
            assertThat(metrics.headers())
                    .containsEntry("content-type", List.of("text/plain; version=0.0.4; charset=utf-8"));
        }
        assertThat(call("GET", "/api/v1/inference/current", "", "").status()).isEqualTo(404);
        assertThat(call("POST", "/api/v1/inference/down", "", "").text()).isEqualTo("{\"status\":\"OK\"}");
        assertThat(call("POST", "/api/v1/stop", "", "").text()).isEqualTo("{\"status\":\"OK\"}");
        assertThat(call("DELETE", "/v1/anything", "", "").text()).isEqualTo("No vLLM backend available");
        assertThatThrownBy(() -> http.get(inference + "/health", PATIENCE)).isInstanceOf(IOException.class);
    }

    @Order(2)
    @Test
    void asyncStart_isTold_refusesOthers_andIsEndedByDown() throws IOException {
        var started = call("POST", "/api/v1/inference/up/async", "", UP.formatted("[]"));
        assertThat(started.text())
                .isEqualTo("{\"status\":\"starting\",\"message\":\"Inference startup initiated in background\"}");
        var status = get("/api/v1/inference/up/status");
        assertThat(status.propertyNames()).contains("status", "is_starting", "is_running", "elapsed_seconds", "error");
        assertThat(status.path("status").stringValue()).isEqualTo("in_progress");
        var state = get("/api/v1/state");
        assertThat(state.path("state").stringValue()).isEqualTo("INFERENCE");
        assertThat(state.path("poc_status").stringValue()).isEqualTo("NO_BACKENDS");
        assertThat(state.path("inference_healthy").booleanValue()).isFalse();
        assertThat(state.path("loaded_model").isNull()).isTrue();
        assertThat(get("/readyz").toString()).isEqualTo("{\"ready\":true}");
        assertThatThrownBy(() -> http.get(inference + "/health", PATIENCE)).isInstanceOf(IOException.class);
        for (var path : List.of("/api/v1/inference/up", "/api/v1/inference/up/async")) {
            var refused = call("POST", path, "", UP.formatted("[]"));
            assertThat(refused.status()).isEqualTo(409);
            assertThat(refused.text())
                    .isEqualTo("{\"detail\":\"VLLM is already running. Use /inference/down to stop it first.\"}");
        }
        assertThat(call("POST", "/api/v1/inference/down", "", "").text()).isEqualTo("{\"status\":\"OK\"}");
        assertThat(get("/api/v1/inference/up/status").path("is_starting").booleanValue())
                .isFalse();
        assertThat(get("/api/v1/state").path("state").stringValue()).isEqualTo("STOPPED");

        call("POST", "/api/v1/inference/up/async", "", UP.formatted("[\"--max-num-seqs\",\"8\"]"));
        await().atMost(PATIENCE)
                .until(() -> get("/api/v1/inference/up/status")
                        .path("status")
                        .stringValue()
                        .equals("completed"));
        assertThat(get("/api/v1/inference/up/status").path("is_running").booleanValue())
                .isTrue();
    }

    @Order(3)
    @Test
    void runningNode_servesOnBothPorts_andTellsWhatRuns() throws IOException {
        var state = get("/api/v1/state");
        assertThat(state.path("state").stringValue()).isEqualTo("INFERENCE");
        assertThat(state.path("inference_healthy").booleanValue()).isTrue();
        assertThat(state.path("loaded_model").stringValue()).isEqualTo("tiny");
        assertThat(get("/api/v1/inference/instances").path("instances")).hasSize(2);
        assertThat(get("/api/v1/inference/current").path("additional_args").toString())
                .isEqualTo("[\"--max-num-seqs\",\"8\"]");
        assertThat(get("/api/v1/inference/logs?lines=5").path("lines")).isNotEmpty();
        assertThat(get("/health").path("managers").path("inference").toString())
                .isEqualTo("{\"running\":true,\"healthy\":true}");
        assertThat(call("GET", "/api/v1/metrics", "", "").text())
                .contains("mlnode_config_info{model_name=\"tiny\",dtype=\"auto\",replicas=\"2\",max_num_seqs=\"8\","
                        + "max_model_len=\"\",tensor_parallel_size=\"\",pipeline_parallel_size=\"\"} 1")
                .containsPattern("vllm:num_requests_running\\{model_name=\"tiny\",replica=\"[01]\"} ");
        var ask = "{\"model\":\"tiny\",\"prompt\":\"Hello\",\"max_tokens\":4,\"ignore_eos\":true,\"stream\":true}";
        for (var port : List.of(management, inference)) {
            var answer = http.call(
                    "POST",
                    port + "/v1/completions",
                    Map.of("Content-Type", "application/json"),
                    ask.getBytes(StandardCharsets.UTF_8),
                    PATIENCE);
            assertThat(answer.status()).isEqualTo(200);
            assertThat(answer.text()).startsWith("data: {").endsWith("data: [DONE]\n\n");
            assertThat(http.get(port + "/v1/models", PATIENCE).text()).contains("\"id\":\"tiny\"");
        }
        assertThat(http.get(inference + "/health", PATIENCE).status()).isEqualTo(200);
    }

    @Order(4)
    @Test
    void failedUp_isNamed_andTheNodeLivesOn() throws IOException {
        var tooLarge = up("[\"--tensor-parallel-size=2\",\"-pp\",\"2\"]");
        assertThat(tooLarge.status()).isEqualTo(500);
        assertThat(tooLarge.json().orElseThrow().path("detail").stringValue())
                .startsWith("vLLM process exited prematurely: device-count: ");
        var unknown = up("[\"--no-such-flag\"]");
        assertThat(unknown.status()).isEqualTo(500);
        assertThat(unknown.json().orElseThrow().path("detail").stringValue())
                .startsWith("vLLM process exited prematurely: bad-arg: ")
                .contains("--no-such-flag");
        var status = get("/api/v1/inference/up/status");
        assertThat(status.path("status").stringValue()).isEqualTo("failed");
        assertThat(status.path("error").stringValue()).contains("bad-arg");
        assertThat(get("/api/v1/state").path("state").stringValue()).isEqualTo("STOPPED");
        assertThat(up("[\"--host\",\"0.0.0.0\"]").status()).isEqualTo(422);
    }

    @Order(5)
    @Test
    void lastSpellingOfALayoutCounts_andNothingElseIsDeployed() throws IOException {
        assertThat(up("[\"--tensor_parallel_size=1\",\"-tp\",\"2\"]").text()).isEqualTo("{\"status\":\"OK\"}");
        var instances = get("/api/v1/inference/instances").path("instances");
        assertThat(instances).hasSize(1);
        assertThat(instances.get(0).path("devices").toString()).isEqualTo("[0,1]");
        // Killed, it is nobody's for a moment, on both ports alike.
        ProcessHandle.of(instances.get(0).path("pid").asLong()).orElseThrow().destroyForcibly();
        for (var port : List.of(management, inference)) {
            await().atMost(PATIENCE).untilAsserted(() -> {
                var answer = http.get(port + "/v1/models", PATIENCE);
                assertThat(answer.status() + answer.text())
                        .isIn("502vLLM connection failed", "503No vLLM backend available");
                assertThat(answer.headers()).doesNotContainKey("content-type");
            });
        }
    }

    @Order(6)
    @Test
    void stop_endsEverything() throws IOException {
        assertThat(call("POST", "/api/v1/stop", "", "").text()).isEqualTo("{\"status\":\"OK\"}");
        assertThat(get("/api/v1/state").path("state").stringValue()).isEqualTo("STOPPED");
        assertThatThrownBy(() -> http.get(inference + "/health", PATIENCE)).isInstanceOf(IOException.class);
    }
}
