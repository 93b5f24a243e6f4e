package bestfit.deploy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import bestfit.args.VllmArgs;
import bestfit.config.ConfigException;
import bestfit.hardware.GpuReading;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ConfigDoctorTest {
    private static final String MODEL = "Qwen/Qwen3-32B-FP8";

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            PROBLEM | spelling               | --tensor-parallel-size=4
            PROBLEM | spelling               | -tp 4
            PROBLEM | spelling               | --tensor_parallel_size 4
            PROBLEM | spelling               | --tensor-parallel-size 2 --tensor-parallel-size 4
            PROBLEM | spelling               | --tensor-parallel 4
            PROBLEM | spelling               | --data-parallel-size 2
            PROBLEM | spelling               | --prefill-context-parallel-size 2
            WARNING | chain-args             | --kv-cache-dtype auto
            PROBLEM | chain-args             | --kv-cache-dtype=auto
            WARNING | gpu-memory-utilization | --gpu-memory-utilization 0.95
            PROBLEM | gpu-memory-utilization | --gpu-memory-utilization 0.99
            WARNING | dtype                  | --dtype bfloat16
            NOTE    | auto-pp                | --tensor-parallel-size 4
            WARNING | layout                 | --pipeline-parallel-size 3
            PROBLEM | layout                 | --tensor-parallel-size 16
            PROBLEM | heads                  | --tensor-parallel-size 6
            """)
    void eachMistakeIsFound_withAFix(Finding.Level level, String check, String args) {
        var found = doctor(8).check(MODEL, VllmArgs.of(args.split(" ")));
        assertThat(found).anyMatch(each -> each.level() == level && each.check().equals(check));
        assertThat(found)
                .allMatch(each ->
                        each.level() == Finding.Level.NOTE || !each.fix().isEmpty());
    }

    @Test
    void abbreviation_slipsPastTheNetworksArgs() {
        assertThat(doctor(8).check("MiniMaxAI/MiniMax-M2.7", VllmArgs.of("--max-model", "100")))
                .anyMatch(each -> each.level() == Finding.Level.PROBLEM
                        && each.check().equals("chain-args")
                        && each.what().contains("wins with 100"));
    }

    @Test
    void fp8Blocks_wantWholeExperts() {
        var model = "Qwen/Qwen3-235B-A22B-Instruct-2507-FP8"; // experts of 1536
        assertThat(doctor(8).check(model, VllmArgs.of("--tensor-parallel-size", "8")))
                .anyMatch(
                        each -> each.check().equals("fp8-blocks") && each.fix().contains("--enable-expert-parallel"));
        assertThat(doctor(8).check(model, VllmArgs.of("--tensor-parallel-size", "8", "--enable-expert-parallel")))
                .isEmpty();
    }

    @Test
    void soundConfig_hasNoFinding() {
        assertThat(doctor(4)
                        .check(MODEL, VllmArgs.of("--tensor-parallel-size", "4", "--gpu-memory-utilization", "0.92")))
                .isEmpty();
    }

    @Test
    void nodeConfig_tellsEveryProblemInTheNetworksWords() {
        assertThatThrownBy(() -> NodeConfig.read("n.json", """
                        [{"id":"","host":"h","inference_port":0,"poc_port":8080,"max_concurrent":0,"models":{}}]"""))
                .isInstanceOfSatisfying(
                        ConfigException.class,
                        e -> assertThat(e.problems())
                                .containsExactly(
                                        "n.json[0]: node id is required and cannot be empty",
                                        "n.json[0]: inference_port must be between 1 and 65535, got 0",
                                        "n.json[0]: max_concurrent must be greater than 0, got 0",
                                        "n.json[0]: at least one model must be specified"));
    }

    @Test
    void nodeConfig_ofOtherTypesThanTheNetworks_isRefused() {
        assertThatThrownBy(() -> NodeConfig.read("n.json", """
                        [{"id":1,"host":"h","inference_port":"5050","poc_port":8080.5,"max_concurrent":-1,
                          "models":{"a":{"args":"-tp 4"},"b":"c","d":{"args":["--x",1]},"e":{},"f":null}},
                         7,
                         {"id":"n","host":"h","inference_port":1,"poc_port":2,"max_concurrent":3,"models":["a"]},
                         {"id":"n","host":"h","inference_port":1,"poc_port":2,"max_concurrent":3,"models":{"a":{}}}]"""))
                .isInstanceOfSatisfying(
                        ConfigException.class,
                        e -> assertThat(e.problems())
                                .zipSatisfy(
                                        List.of(
                                                "n.json[0]: id is 1, no string",
                                                "n.json[0]: inference_port is \"5050\", no whole number",
                                                "n.json[0]: poc_port is 8080.5, no whole number",
                                                "n.json[0]: max_concurrent must be greater than 0, got -1",
                                                "n.json[0]: a is {\"args\":\"-tp 4\"}; write",
                                                "n.json[0]: b is \"c\"; write",
                                                "n.json[0]: an arg of d is 1, no string",
                                                "n.json[1] is 7, no node",
                                                "n.json[2]: models is [\"a\"], no object",
                                                "n.json: node id n is given twice"),
                                        (problem, beginning) ->
                                                assertThat(problem).startsWith(beginning)));
    }

    @Test
    void portsOpenToTheWorldAreFound_loopbackIsNot(@TempDir Path folder) throws IOException {
        var table = folder.resolve("tcp");
        Files.writeString(table, """
                  sl  local_address rem_address   st tx_queue rx_queue
                   0: 00000000:1F90 00000000:0000 0A 00000000:00000000
                   1: 0100007F:1388 00000000:0000 0A 00000000:00000000
                   2: 00000000:0016 00000000:0000 0A 00000000:00000000
                """);
        var found = new MachineDoctor(GpuReading.NONE, List.of(table, folder.resolve("absent"))).look();
        assertThat(found).extracting(Finding::subject).containsExactly("port 8080");
    }

    private static ConfigDoctor doctor(int gpus) {
        return new ConfigDoctor(Optional.empty(), OptionalInt.of(gpus));
    }
}
