package bestfit.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import bestfit.config.ConfigException;
import bestfit.engine.StepExecutor.Row;
import bestfit.engine.WeightSource.Role;
import bestfit.model.Dtype;
import bestfit.model.Models;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.json.JsonMapper;

class SafetensorsWeightsTest {
    private static final String CONFIG = """
            {"architectures": ["LlamaForCausalLM"], "hidden_size": 32, "num_hidden_layers": 1,
             "num_attention_heads": 2, "num_key_value_heads": 1, "intermediate_size": 48, "vocab_size": 100,
             "max_position_embeddings": 64, "torch_dtype": "bfloat16"}""";

    @TempDir
    Path directory;

    private record Tensor(String name, int rows, int columns, Role role) {}

    private static final String LAYER = "model.layers.0.";
    private static final List<Tensor> TENSORS = List.of(
            new Tensor("model.embed_tokens.weight", 100, 32, Role.EMBEDDING),
            new Tensor("lm_head.weight", 100, 32, Role.EMBEDDING),
            new Tensor("model.norm.weight", 1, 32, Role.FINAL_NORM),
            new Tensor(LAYER + "input_layernorm.weight", 1, 32, Role.NORM),
            new Tensor(LAYER + "post_attention_layernorm.weight", 1, 32, Role.NORM),
            new Tensor(LAYER + "self_attn.q_proj.weight", 32, 32, Role.INPUT),
            new Tensor(LAYER + "self_attn.k_proj.weight", 16, 32, Role.INPUT),
            new Tensor(LAYER + "self_attn.v_proj.weight", 16, 32, Role.INPUT),
            new Tensor(LAYER + "self_attn.o_proj.weight", 32, 32, Role.OUTPUT),
            new Tensor(LAYER + "mlp.gate_proj.weight", 48, 32, Role.INPUT),
            new Tensor(LAYER + "mlp.up_proj.weight", 48, 32, Role.INPUT),
            new Tensor(LAYER + "mlp.down_proj.weight", 32, 48, Role.OUTPUT));

    /** Writes a seed's weights as a checkpoint of two files. */
    private void write(long seed, String dtype) throws IOException {
        Files.writeString(directory.resolve("config.json"), CONFIG);
        writeFile("model-1.safetensors", TENSORS.subList(0, 5), seed, dtype);
        writeFile("model-2.safetensors", TENSORS.subList(5, TENSORS.size()), seed, dtype);
    }

    private void writeFile(String name, List<Tensor> tensors, long seed, String dtype) throws IOException {
        var header = new LinkedHashMap<String, Object>();
        header.put("__metadata__", Map.of("format", "pt"));
        var data = new ByteArrayOutputStream();
        for (var tensor : tensors) {
            int from = data.size();
            for (float value :
                    new SeededWeights(seed, 1).tensor(tensor.name(), tensor.rows(), tensor.columns(), tensor.role())) {
                data.writeBytes(encode(value, dtype));
            }
            var shape = tensor.rows() == 1 ? List.of(tensor.columns()) : List.of(tensor.rows(), tensor.columns());
            header.put(
                    tensor.name(), Map.of("dtype", dtype, "shape", shape, "data_offsets", List.of(from, data.size())));
        }
        var json = JsonMapper.shared().writeValueAsString(header).getBytes(StandardCharsets.UTF_8);
        var whole = new ByteArrayOutputStream();
        whole.writeBytes(ByteBuffer.allocate(8)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(json.length)
                .array());
        whole.writeBytes(json);
        whole.writeBytes(data.toByteArray());
        Files.write(directory.resolve(name), whole.toByteArray());
    }

    private static byte[] encode(float value, String dtype) {
        var buffer = ByteBuffer.allocate(dtype.equals("F32") ? 4 : 2).order(ByteOrder.LITTLE_ENDIAN);
        switch (dtype) {
            case "F32" -> buffer.putFloat(value);
            case "BF16" -> buffer.putShort((short) (Float.floatToRawIntBits(Dtype.BFLOAT16.round(value)) >>> 16));
            default -> buffer.putShort(Float.floatToFloat16(value));
        }
        return buffer.array();
    }

    private double[] logprobs(Dtype dtype) {
        var options = new CpuExecutor.Options(1, 1, 16, 2, 32, dtype, 3);
        var all = new SamplingParams(0, 1, 0, 0, 0, 0, 1, null, 100, Map.of(), TokenMask.NONE, -1, false);
        try (var executor = CpuExecutor.open(Models.find(directory.toString()), options)) {
            var row = new Row("a", new int[] {5, 17, 99, 3}, 0, new int[] {1}, all, null, 0, -1);
            var output = executor.submit(List.of(row)).join();
            return Objects.requireNonNull(output.logprobs()[0]).logprobs();
        }
    }

    @Test
    void aCheckpointIsComputedAsTheWeightsItHolds() throws IOException {
        Files.writeString(directory.resolve("config.json"), CONFIG);
        var exact = logprobs(Dtype.FLOAT32);
        var rounded = logprobs(Dtype.BFLOAT16);
        var half = logprobs(Dtype.FLOAT16);
        assertThat(exact).isNotEqualTo(rounded).isNotEqualTo(half);
        write(CpuExecutor.WEIGHT_SEED, "F32");
        assertThat(logprobs(Dtype.FLOAT32)).containsExactly(exact);
        write(CpuExecutor.WEIGHT_SEED, "BF16");
        assertThat(logprobs(Dtype.FLOAT32)).containsExactly(rounded);
        write(CpuExecutor.WEIGHT_SEED, "F16");
        assertThat(logprobs(Dtype.FLOAT32)).containsExactly(half);
        write(CpuExecutor.WEIGHT_SEED + 1, "F32");
        assertThat(logprobs(Dtype.FLOAT32)).isNotEqualTo(exact);
    }

    @Test
    void whatIsMissingOrWrongIsNamed() throws IOException {
        write(7, "F32");
        Files.delete(directory.resolve("model-2.safetensors"));
        assertThatThrownBy(() -> logprobs(Dtype.FLOAT32))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("have no tensor model.layers.0.self_attn.q_proj.weight");
        write(7, "F32");
        Files.writeString(directory.resolve("config.json"), CONFIG.replace("48", "64"));
        assertThatThrownBy(() -> logprobs(Dtype.FLOAT32))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("has the shape [48,32]; config.json asks for 64 × 32");
        Files.writeString(directory.resolve("model-1.safetensors"), "not at all such a file");
        assertThatThrownBy(() -> logprobs(Dtype.FLOAT32)).hasMessageContaining("not a safetensors file");
    }
}
