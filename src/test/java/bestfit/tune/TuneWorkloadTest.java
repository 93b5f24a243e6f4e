package bestfit.tune;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import bestfit.config.Problems;
import bestfit.workload.WorkloadFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TuneWorkloadTest {
    @TempDir
    Path folder;

    private TuneWorkload read(String yaml) throws IOException {
        var file = Files.writeString(folder.resolve("w.yml"), yaml);
        var problems = new Problems();
        var workloads = WorkloadFile.all(file, problems);
        problems.throwIfAny();
        var read = TuneWorkload.of(workloads, problems);
        problems.throwIfAny();
        return read;
    }

    @Test
    void eachWorkloadOfAFile_isAnExperiment() throws IOException {
        var workload = read("""
                - name: chat
                  seed: 7
                  load: {users: 3, requests: 60}
                  prompt: {tokens: 200}
                  output: {tokens: 50}
                - load: {users: 3, duration: 5m}
                  prompt: {tokens: 2000}
                  output: {tokens: 20}
                """);
        assertThat(workload.users()).isEqualTo(3);
        assertThat(workload.seed()).isEqualTo(7);
        assertThat(workload.experiments())
                .containsExactly(new ExperimentPlan("chat", 200, 50, 3), new ExperimentPlan("workload 2", 2000, 20, 3));
    }

    @Test
    void whatACampaignCannotSend_isNamedByKey() {
        assertThatThrownBy(() -> read("""
                - name: chat
                  load: {rate: 3, requests: 60}
                  prompt: {tokens: "uniform:100,300", shared_prefix_tokens: 50}
                  output: {tokens: 50, exact: false}
                - name: chat
                  load: {users: 3, requests: 60}
                  prompt: {tokens: 10}
                  output: {tokens: 50}
                  conversation: {turns: 3}
                """))
                .hasMessageContaining("chat: load.rate")
                .hasMessageContaining("prompt.tokens: uniform:100,300")
                .hasMessageContaining("its mean of 200")
                .hasMessageContaining("prompt.shared_prefix_tokens")
                .hasMessageContaining("output.exact")
                .hasMessageContaining("conversation.turns")
                .hasMessageContaining("load.users: 3 differs")
                .hasMessageContaining("name: is the name of another");
    }
}
