package bestfit.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import bestfit.config.Json;
import bestfit.http.HttpClient;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** A node on a server of four GPUs (as its nvidia-smi tells), started by an operator who leaves it some of them. */
@Tag("together")
class NodeDevicesTest {
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    @TempDir
    Path home;

    private final HttpClient http = new HttpClient();
    private final ArrayList<Process> started = new ArrayList<>();

    @BeforeEach
    void fourGpus() throws IOException {
        assumeFalse(Files.exists(Path.of("/dev/nvidia0")), "real GPUs are here, and would be told instead");
        var unhindered = FakeNvidiaSmi.UNHINDERED;
        FakeNvidiaSmi.install(home, unhindered, unhindered, unhindered, unhindered);
    }

    @AfterEach
    void endProcesses() {
        started.forEach(process -> {
            process.destroy();
            process.onExit().join();
        });
    }

    /** What one deployment of TP 1 looks like from outside. */
    private record Seen(List<String> gpus, List<String> instances, List<String> engines) {}

    private Seen deployed(String visible, String... more) throws IOException {
        var management = node(visible, more).path("management").asString();
        var body = Json.object().put("model", "some/model").put("dtype", "auto");
        body.putArray("additional_args");
        var up = http.postJson(management + "/api/v1/inference/up", body, PATIENCE);
        assertThat(up.status()).as(up.text()).isEqualTo(200);
        var devices = get(management + "/api/v1/gpu/devices");
        assertThat(devices.path("count").asInt())
                .isEqualTo(devices.path("devices").size());
        var instances = get(management + "/api/v1/inference/instances").path("instances");
        var engines = new ArrayList<String>();
        for (var instance : instances) {
            engines.add(get("http://127.0.0.1:" + instance.path("port").asInt() + "/v1/self")
                    .path("devices")
                    .asString());
        }
        return new Seen(
                devices.path("devices").findValuesAsString("index"),
                instances
                        .valueStream()
                        .map(each -> each.path("devices").toString())
                        .toList(),
                engines);
    }

    private static final List<String> ENGINE = List.of(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-XX:TieredStopAtLevel=1",
            "-cp",
            System.getProperty("java.class.path"),
            "bestfit.node.FakeEngine");

    private JsonNode node(String visible, String... more) throws IOException {
        var arguments = new ArrayList<>(List.of("node", "--port", "0", "--inference-port", "0"));
        arguments.addAll(List.of(more));
        if (!arguments.contains("--engine")) {
            var engine = Json.array();
            ENGINE.forEach(engine::add);
            arguments.addAll(List.of("--engine-command", engine.toString()));
        }
        var builder = new ProcessBuilder(OwnProcess.command(arguments)).redirectError(ProcessBuilder.Redirect.DISCARD);
        builder.environment().put("BESTFIT_HOME", home.toString());
        builder.environment().put("BESTFIT_PARENT_PIPE", "1");
        builder.environment().put("CUDA_VISIBLE_DEVICES", visible);
        builder.environment().computeIfPresent("PATH", (_, old) -> home + ":" + old);
        var process = builder.start();
        started.add(process);
        return Json.parse(process.inputReader().readLine());
    }

    private JsonNode get(String url) throws IOException {
        return http.get(url, PATIENCE).json().orElseThrow();
    }

    @Test
    void instancesGetTheEntriesOfTheVariable() throws IOException {
        assertThat(deployed("2,3")).isEqualTo(new Seen(List.of("2", "3"), List.of("[2]", "[3]"), List.of("2", "3")));
    }

    @Test
    void uuidsArePassedOn_andTheListEndsWhereCudaEndsIt() throws IOException {
        var seen = deployed("GPU-30,MIG-5a,9,0");
        assertThat(seen.instances()).containsExactly("[\"GPU-30\"]", "[\"MIG-5a\"]");
        assertThat(seen.engines()).containsExactly("GPU-30", "MIG-5a");
        assertThat(seen.gpus()).as("GPU 3 and the part").hasSize(2).contains("3");
    }

    /** vLLM 0.23 on four H200s: {@code invalid literal for int() with base 10: 'GPU-193ba7d2-…'}. */
    @Test
    void vllmGetsTheDriversNumbersOfGpusThatAreNamedByUuid() throws IOException {
        var python = Files.writeString(home.resolve("python"), """
                #!/bin/sh
                case $1 in -m) shift 2; exec '%s' "$@" ;; *) echo 0.23.0 ;; esac
                """.formatted(String.join("' '", ENGINE)));
        assertThat(python.toFile().setExecutable(true)).isTrue();
        assertThat(deployed("GPU-30,1", "--engine", "vllm", "--python", python.toString()))
                .isEqualTo(new Seen(List.of("3", "1"), List.of("[3]", "[1]"), List.of("3", "1")));
    }

    @Test
    void numberOfDevicesThatIsGivenWins() throws IOException {
        assertThat(deployed("3,1,2", "--devices", "2"))
                .isEqualTo(new Seen(List.of("3", "1"), List.of("[3]", "[1]"), List.of("3", "1")));
        assertThat(deployed("3", "--devices", "2"))
                .isEqualTo(new Seen(List.of("0", "1"), List.of("[0]", "[1]"), List.of("0", "1")));
    }

    @Test
    void nodeWithoutADeviceSaysSoWhenItIsToDeploy() throws IOException {
        var management = node("").path("management").asString();
        assertThat(get(management + "/api/v1/gpu/devices").path("count").asInt(-1))
                .isZero();
        var body = Json.object().put("model", "some/model").put("dtype", "auto");
        var up = http.postJson(management + "/api/v1/inference/up", body, PATIENCE);
        assertThat(up.status()).isEqualTo(500);
        assertThat(up.text()).contains("an instance needs 1 devices", "this node has 0");
    }
}
