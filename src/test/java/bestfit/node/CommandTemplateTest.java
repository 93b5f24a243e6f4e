package bestfit.node;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class CommandTemplateTest {
    @Test
    void containerGetsItsInstancesDevicesAndPort_argsStayWhole() {
        var template = CommandTemplate.parse("docker run --rm --gpus '\"device={devices}\"' -p 127.0.0.1:{port}:8000"
                + " vllm/vllm-openai --model {model} --dtype {dtype} {args}");
        assertThat(template.fill("a/b", "auto", "127.0.0.1", 5002, List.of("4", "5"), List.of("--x", "{\"a b\": 1}")))
                .containsExactly(
                        "docker",
                        "run",
                        "--rm",
                        "--gpus",
                        "\"device=4,5\"",
                        "-p",
                        "127.0.0.1:5002:8000",
                        "vllm/vllm-openai",
                        "--model",
                        "a/b",
                        "--dtype",
                        "auto",
                        "--x",
                        "{\"a b\": 1}");
    }
}
