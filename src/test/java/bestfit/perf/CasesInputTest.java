package bestfit.perf;

import static org.assertj.core.api.Assertions.assertThat;

import bestfit.model.WeightFormat;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.NullUnmarked;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Tables as people write them: every row gets a status, and none stops the rest. */
@NullUnmarked // a figure that is missing should fail here
class CasesInputTest {
    @Test
    void a_wrong_row_is_named_by_line_and_does_not_stop_the_rest() {
        var text = """
                model,gpu,tp,input_len,output_len,concurrency
                Qwen3-8B,H100-SXM,1,1000,100,8
                Qwen3-8B,H101,x,-5,100,8
                Qwen3-8B,H100-SXM,3,1000,100,8
                """;
        var result = Cases.predict("cases.csv", text, Constants.shipped());
        assertThat(result.lines()).hasSize(4);
        assertThat(result.problems()).hasSize(2);
        assertThat(result.problems().getFirst())
                .startsWith("cases.csv, line 3: ")
                .contains("tp", "input_len");
        assertThat(result.problems().getLast()).contains("line 4", "does not divide the model's 32 heads");
        assertThat(Cases.read("out", String.join("\n", result.lines())).getFirst())
                .containsEntry("status", "fits");
    }

    /** Blank lines, notes of two lines, a column named twice, a lone quote: every row is named by the line that it begins in. */
    @Test
    void a_table_written_by_hand() {
        var text = """
                model, gpu ,tp,input_len,output_len,concurrency,notes,notes

                Qwen3-8B,H100-SXM,1,1000,100,8,"first
                and second line",x

                Qwen3-8B,H101,1,1000,100,8,,
                Qwen3-8B,H100-SXM,1,1000,100,8,"never closed,
                Qwen3-8B,H100-SXM,1,1000,100,8,,
                """;
        var result = Cases.predict("cases.csv", text, Constants.shipped());
        assertThat(result.problems()).singleElement().asString().startsWith("cases.csv, line 6: ");
        var again = Cases.predict("out", String.join("\n", result.lines()), Constants.shipped());
        assertThat(again.lines()).as("predicted once more").isEqualTo(result.lines());
        assertThat(Cases.read("out", String.join("\n", again.lines())))
                .extracting(row -> row.get("status"))
                .containsExactly("fits", "unsupported", "fits", "fits");
        assertThat(Cases.read("out", String.join("\n", again.lines())).getFirst())
                .containsEntry("notes", "first\nand second line");
    }

    /** Each would be refused by vLLM, or could not have run; none may stop the rest, nor keep it waiting. */
    @Test
    void rows_that_cannot_have_run() {
        var text = """
                model,gpu,gpu_count,tp,pp,dp,input_len,output_len,concurrency,notes
                Qwen3-8B,H100-SXM,1,1,1,1,1000,100,8,--max-num-seqs 0
                Qwen3-8B,H100-SXM,1,1,1,1,1000,100,8,--max-num-batched-tokens 0 --max-model-len -5
                Qwen3-8B,H100-SXM,4,4,2,1,1000,100,8,
                Qwen3-8B,H100-SXM,2,1,1,3,1000,100,8,
                Qwen3-8B,H100-SXM,2,2,1,1,1000,100,8,
                """;
        var result = Cases.predict("cases.csv", text, Constants.shipped());
        assertThat(result.problems())
                .containsExactly(
                        "cases.csv, line 2: --max-num-seqs 0 must be at least 1",
                        "cases.csv, line 3: --max-model-len -5 must be at least 1; --max-num-batched-tokens 0 must be at least 1",
                        "cases.csv, line 4: tp × pp is 8; gpu_count is 4, which are too few",
                        "cases.csv, line 5: tp × pp × dp is 3; gpu_count is 2, over which they cannot be spread evenly");
        assertThat(Cases.read("out", String.join("\n", result.lines())).getLast())
                .containsEntry("status", "fits");
    }

    /** Links as nvidia-smi topo -m names them: over PCIe two GPUs that could have NVLink take longer. */
    @Test
    void links_by_the_words_of_topo() {
        var text = """
                model,gpu,gpu_count,interconnect,tp,input_len,output_len,concurrency
                Qwen3-8B,H100-SXM,2,NV18,2,4000,100,8
                Qwen3-8B,H100-SXM,2,SYS,2,4000,100,8
                Qwen3-8B,H100-SXM,2,PCIe Gen4,2,4000,100,8
                """;
        var ttft = Cases.read(
                        "out",
                        String.join(
                                "\n",
                                Cases.predict("t", text, Constants.shipped()).lines()))
                .stream()
                .map(row -> Double.parseDouble(row.get("pred_ttft_ms_mean")))
                .toList();
        assertThat(ttft.get(1)).isGreaterThan(1.2 * ttft.getFirst()).isEqualTo(ttft.getLast());
    }

    /** What a checkpoint says of its KV cache holds since 0.14, unless a flag says otherwise; 32 bits are asked for by flag. */
    @Test
    void bytes_of_the_KV_cache(@TempDir Path folder) throws IOException {
        Files.writeString(folder.resolve("config.json"), """
                {"architectures":["LlamaForCausalLM"],"hidden_size":4096,"intermediate_size":14336,"num_attention_heads":32,
                "num_hidden_layers":32,"num_key_value_heads":8,"vocab_size":128256,"max_position_embeddings":131072,
                "quantization_config":{"quant_method":"fp8","kv_cache_scheme":{"num_bits":8,"type":"float"}}}""");
        var header = "model,gpu,tp,engine_version,input_len,output_len,concurrency,notes\n";
        var rows = new ArrayList<Double>();
        for (var row :
                List.of("0.23.0,1000,100,8,", "0.13.0,1000,100,8,", "0.23.0,1000,100,8,--kv-cache-dtype bfloat16")) {
            rows.add(Case.of(Cases.read("t", header + folder + ",H100-SXM,1," + row)
                            .getFirst())
                    .instance()
                    .settings()
                    .kvBytes());
        }
        assertThat(rows).containsExactly(1.0, 2.0, 2.0);
        var full = Case.of(Cases.read("t", header + "Qwen3-8B,H100-SXM,1,0.23.0,1000,100,8,--dtype float32")
                .getFirst());
        assertThat(full.instance().settings().kvBytes()).isEqualTo(4);
        assertThat(full.instance().card().format()).isEqualTo(WeightFormat.FLOAT32);
    }

    /** As a spreadsheet writes it, with a byte order mark; and more requests at once than any server was ever asked for. */
    @Test
    void a_table_of_a_spreadsheet() {
        var text = String.join(
                "\r\n",
                "\uFEFFmodel,gpu,tp,input_len,output_len,concurrency,request_rate,num_requests",
                "Qwen3-8B,H100-SXM,1,1000,100,8,,",
                "Qwen3-8B,H100-SXM,1,1000,1,,inf,30000",
                "Qwen3-8B,H100-SXM,1,1000,100,1e9,,");
        var result = Cases.predict("cases.csv", text, Constants.shipped());
        assertThat(result.problems())
                .containsExactly("cases.csv, line 4: 1000000000 requests at once; at most 200000 are planned for");
        assertThat(Cases.read("out", String.join("\n", result.lines())).subList(0, 2))
                .allSatisfy(row -> assertThat(row).containsEntry("status", "fits"));
    }

    /** Tables differ in how they say the same thing: every one of these rows means the same deployment as the first. */
    @Test
    void spellings_of_one_row() {
        var text = """
                model,quant,gpu,gpu_count,interconnect,tp,engine,engine_version,input_len,output_len,concurrency,request_rate,num_requests,notes
                meta-llama/Llama-3.1-8B-Instruct,fp8,H100-SXM,2,NVLink,2,vllm,0.10.0,1024,128,32,,320,--max-model-len 8192 --max-num-seqs 64
                RedHatAI/Meta-Llama-3.1-8B-Instruct-FP8,,NVIDIA H100 80GB HBM3,2.0,NVLink/NVSwitch,2.0,vLLM,v0.10.0.post1,"1,024",128.0,32,inf,320,extra args: --max_model_len=8192 --max-num-seqs=64; warm
                llama-3.1-8b,FP8 (dynamic),H100 SXM5 80GB,2,nvlink,,vllm-openai,Aug 2025; 0.10.0,~1024,128,,inf,32,"ran with --max-model-len 8K, --max-num-seqs 64 -tp 2; client on the same host"
                Llama-3.1-8B,W8A8,H100,2,,2,vllm,0.10.0,1024,128,32,nan,320,max_model_len=8192 max_num_seqs=64 per replica; --quantization compressed-tensors
                """;
        var result = Cases.predict("cases.csv", text, Constants.shipped());
        assertThat(result.problems()).isEmpty();
        var rows = Cases.read("out", String.join("\n", result.lines()));
        var tpot = rows.stream().map(row -> row.get("pred_tpot_ms_mean")).toList();
        assertThat(tpot.getFirst()).isNotEmpty();
        assertThat(tpot.get(1)).isEqualTo(tpot.getFirst());
        assertThat(tpot.get(3)).isEqualTo(tpot.getFirst());
        // All 32 at once and none after them, so a little less than with 320 in turn.
        assertThat(Double.parseDouble(tpot.get(2)) / Double.parseDouble(tpot.getFirst()))
                .isBetween(0.8, 1.05);
    }

    @Test
    void notes_are_prose_where_they_are_no_args() {
        var odd = List.of(
                "TP2 -- no warm-up; mean of 3",
                "--quantization some-new-method --gpu-memory-utilization high --frobnicate",
                "--max-model-len auto --compilation-config '{\"level\": 3}'",
                "\uD83D\uDE80 https://example.org/a?b=--c; {\"x\": [1, 2]}",
                "--",
                "-",
                "mig_profile=; max_num_seqs= per replica");
        var table = "model;gpu;tp;input_len;output_len;concurrency;notes".replace(';', ',') + "\n"
                + odd.stream()
                        .map(note -> Csv.write(List.of("Qwen3-8B", "H100-SXM", "1", "1000", "100", "8", note)))
                        .collect(Collectors.joining("\n"));
        var result = Cases.predict("cases.csv", table, Constants.shipped());
        assertThat(result.problems()).isEmpty();
        assertThat(Cases.read("out", String.join("\n", result.lines())))
                .hasSize(odd.size())
                .allSatisfy(row -> assertThat(row).containsEntry("status", "fits"));
    }

    /** A note's offload counts, in either spelling; prose that looks like one changes nothing. */
    @Test
    void notes_that_tell_weights_in_host_memory() {
        var text = """
                model,gpu,tp,input_len,output_len,concurrency,notes
                Qwen/Qwen3-32B,L40S,1,1000,100,1,
                Qwen/Qwen3-32B,L40S,1,1000,100,1,--cpu-offload-gb 40
                Qwen/Qwen3-32B,L40S,1,1000,100,1,cpu_offload_gb=40
                Qwen/Qwen3-32B,L40S,1,1000,100,1,--cpu-offload-gb helps
                """;
        var result = Cases.predict("cases.csv", text, Constants.shipped());
        var rows = Cases.read("out", String.join("\n", result.lines()));
        assertThat(rows)
                .extracting(row -> row.get("status"))
                .containsExactly("does-not-fit", "fits", "fits", "does-not-fit");
        assertThat(rows.get(2).get("pred_tpot_ms_mean")).isEqualTo(rows.get(1).get("pred_tpot_ms_mean"));
    }
}
