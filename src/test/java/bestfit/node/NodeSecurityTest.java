package bestfit.node;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import bestfit.config.ConfigException;
import bestfit.config.Json;
import bestfit.deploy.NodeAddress;
import bestfit.deploy.NodeClient;
import bestfit.deploy.NodeTokens;
import bestfit.http.HttpClient;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Who may ask a node, and which args it takes from them. No engine is started. */
class NodeSecurityTest {
    private static final Duration PATIENCE = Duration.ofSeconds(20);
    private final HttpClient http = new HttpClient();

    @TempDir
    Path home;

    private NodeUnderTest node(NodeOptions.Security security) throws IOException {
        return NodeUnderTest.start(home, setup -> setup.security = security);
    }

    private int status(String method, String url, String authorization) throws IOException {
        Map<String, String> headers = authorization.isEmpty() ? Map.of() : Map.of("Authorization", authorization);
        return http.call(method, url, headers, new byte[0], PATIENCE).status();
    }

    @Test
    void tokens_areAskedFor_managementAndInferenceApart() throws IOException {
        var management = Files.writeString(home.resolve("management"), "management-secret\n");
        var inference = Files.writeString(home.resolve("inference"), "inference-secret\n");
        try (var node =
                node(new NodeOptions.Security(Optional.of(management), Optional.of(inference), Optional.empty()))) {
            var url = node.management;
            for (var wrong : List.of("", "Bearer wrong-secret", "Bearer inference-secret", "Basic management-secret")) {
                assertThat(status("GET", url + "/api/v1/state", wrong))
                        .as(wrong)
                        .isEqualTo(401);
                assertThat(status("POST", url + "/api/v1/inference/up", wrong)).isEqualTo(401);
                assertThat(status("GET", url + "/metrics", wrong)).isEqualTo(401);
            }
            assertThat(status("GET", url + "/api/v1/state", "bearer management-secret"))
                    .isEqualTo(200);
            assertThat(status("GET", url + "/v1/models", "Bearer management-secret"))
                    .isEqualTo(401);
            assertThat(status("GET", url + "/v1/models", "Bearer inference-secret"))
                    .as("let through, and nothing is up")
                    .isEqualTo(503);
            assertThat(status("GET", url + "/readyz", "")).isEqualTo(200);

            var address = NodeAddress.of(url, node.inference);
            assertThatThrownBy(() -> new NodeClient(address).state())
                    .hasMessageContaining("asks for a token; give the file that holds it with --management-token-file");
            var swapped = new NodeClient(address.with(NodeTokens.read(inference, management)));
            assertThatThrownBy(swapped::state).hasMessageContaining("asks for another token");
            var shown = address.with(NodeTokens.read(management, inference));
            assertThat(new NodeClient(shown).state().state()).isEqualTo("STOPPED");
            assertThat(shown.toString()).doesNotContain("secret");
        }
    }

    @Test
    void tokenFilesThatHoldNone_areToldAllAtOnce() throws IOException {
        var blank = Files.writeString(home.resolve("blank"), "two words\n");
        assertThatThrownBy(() -> NodeTokens.read(blank, home.resolve("missing")))
                .hasMessageContaining("--management-token-file " + blank + " holds no token")
                .hasMessageContaining("--inference-token-file " + home.resolve("missing") + " cannot be read");
    }

    @Test
    void shortTokens_areRefusedAtStart() throws IOException {
        var file = Files.writeString(home.resolve("short"), "abc\n");
        var security = new NodeOptions.Security(Optional.of(file), Optional.empty(), Optional.empty());
        assertThatThrownBy(() -> node(security))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("--management-token-file");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "--host=0.0.0.0",
                "--port",
                "--por=1",
                "--model",
                "--middleware=os.system",
                "--middlewar=os.system",
                "--trust_remote_code",
                "--trust-remote",
                "--tool-parser-plugin",
                "--worker-extension-cls",
                "--chat-template=t.jinja",
                "--tokenizer=/etc",
                "--speculative-config={\"model\":\"~/x\"}",
                "--generation-config=../x",
                "--distributed-executor-backend=os.system",
                "-cc.backend=os.system",
                "--any-plugins=x",
                "--kv-transfer-config.kv_connector_module_path=x",
                "--scheduler=os.system",
                "--log-config=x.json",
                "--logging-config.pylogging_config_file=x.json",
                "--model-class-overrides={\"Qwen3ForCausalLM\":\"os:system\"}",
                "--ec-manager-config={\"encoder_cache_manager_cls\":\"os.system\"}",
                "--kv-events-config={\"enable_kv_cache_events\":true}",
                "--speculative-config={\"model\": \"os.system\"}",
                "-sc.model=os.system",
                "--spec-model=os.system",
                "--profiler-config.torch_profiler_dir=x",
                "--mm-encoder-fp8-scale-save-path=x",
                "--tokenizer=src/../../etc",
                "--tokenizer=..",
                "--distributed-exec=os.system",
                "--compilation={\"backend\":\"os.system\"}",
                "-O{\"backend\":\"os.system\"}",
                "-cc={\"b\\u0061ckend\":\"os.system\"}",
                "--speculative-config={\"model\":\"\\/etc\"}"
            })
    void argsThatLoadCodeOrMoveThePort_areRefused(String arg) throws IOException {
        try (var node = node(NodeOptions.Security.NONE)) {
            var answer = node.up("-q", arg);
            assertThat(answer.status()).isEqualTo(422);
            assertThat(answer.text())
                    .contains("\"type\":\"value_error\",\"loc\":[\"body\",\"additional_args\",1]")
                    .contains("\"input\":" + Json.write(arg));
        }
    }

    @Test
    void harmlessNeighboursOfRefusedArgs_areTaken_andTheOperatorCanAllowMore() {
        var rules = new ArgRules(Map.of("org/model", java.util.Set.of("--trust-remote-code")));
        var harmless = List.of(
                "--reasoning-parser",
                "x",
                "--max-model-len",
                "1",
                "--tokenizer-mode",
                "-tp=2",
                "--chat-template-content-format",
                "auto",
                "--served-model-name",
                "/models/mine",
                "--distributed-executor-backend",
                "mp",
                "--compilation-config",
                "{\"max_cudagraph_capture_size\": 640}",
                "-O3",
                "--speculative-config",
                "{\"method\": \"ngram\", \"num_speculative_tokens\": 3, \"model\": \"org/draft-1.5\"}",
                "--logging-config.log_level=DEBUG",
                "--limit-mm-per-prompt",
                "image=1",
                "--tokenizer",
                "org/name");
        assertThat(rules.refusals("org/other", harmless)).isEmpty();
        assertThat(rules.refusals("org/model", List.of("--trust-remote-code"))).isEmpty();
        assertThat(rules.refusals("org/other", List.of("--trust-remote-code"))).hasSize(1);
        assertThat(rules.refusals("org/model", List.of("--host", "::"))).hasSize(1);
    }

    @Test
    void operatorsFile_allowsByModel_andIsReadAtStart() throws IOException {
        var file = Files.writeString(
                home.resolve("allow.json"), "{\"org/model\":[\"--trust-remote-code\",\"--chat-template\"]}");
        var rules = ArgRules.read(Optional.of(file));
        var args = List.of("--trust_remote_code", "--chat-template", "/srv/t.jinja");
        assertThat(rules.refusals("org/model", args)).isEmpty();
        assertThat(rules.refusals("org/other", args)).hasSize(3);
        for (var wrong : List.of("[]", "{", "{\"m\":[\"--port\"]}", "{\"m\":[7]}")) {
            Files.writeString(file, wrong);
            assertThatThrownBy(() -> ArgRules.read(Optional.of(file)))
                    .isInstanceOf(ConfigException.class)
                    .hasMessageContaining("--allow-args " + file);
        }
    }
}
