package bestfit.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;

/** Layouts and little memory change when tokens come, not which. */
class EngineLayoutTest {
    private static final int REQUESTS = 6;

    private static List<String> answers(EngineUnderTest engine) throws InterruptedException, ExecutionException {
        var texts = new ArrayList<Future<String>>();
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < REQUESTS; i++) {
                var body = "{\"prompt\":\"" + "item " + i + " of the list, ".repeat(4)
                        + "\",\"max_tokens\":60,\"temperature\":0,\"ignore_eos\":true}";
                texts.add(threads.submit(() -> engine.json("/v1/completions", body)
                        .at("/choices/0/text")
                        .asString()));
            }
        }
        var all = new ArrayList<String>();
        for (var text : texts) {
            all.add(text.get());
        }
        return all;
    }

    @Test
    void pipelineStages_andPreemption_leaveTheAnswersAlone() throws InterruptedException, ExecutionException {
        List<String> expected;
        try (var engine = EngineUnderTest.start("--max-model-len", "160")) {
            expected = answers(engine);
        }
        try (var engine = EngineUnderTest.start("--max-model-len", "160", "-pp", "2")) {
            assertThat(answers(engine)).isEqualTo(expected);
        }
        // Twelve blocks of 16 tokens: six requests of about 90 tokens do not fit together.
        try (var engine = EngineUnderTest.start("--max-model-len", "160", "--num-gpu-blocks-override", "13")) {
            assertThat(answers(engine)).isEqualTo(expected);
            assertThat(engine.metric("vllm:num_preemptions_total")).isPositive();
        }
    }
}
