package bestfit.workload;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import bestfit.config.ConfigException;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class RecordedWorkloadTest {
    private static final int[] EDGES = {1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000};

    private static String metrics(int[] prompts, int[] outputs) {
        var text = new StringBuilder("vllm:num_requests_running{engine=\"0\"} 3.0\n");
        histogram(text, "vllm:request_prompt_tokens", prompts);
        histogram(text, "vllm:request_generation_tokens", outputs);
        text.append("vllm:prefix_cache_queries_total{engine=\"0\"} ")
                .append((double) Arrays.stream(prompts).sum());
        text.append("\nvllm:prefix_cache_hits_total{engine=\"0\"} 0.0\n");
        return text.toString();
    }

    private static void histogram(StringBuilder text, String name, int[] lengths) {
        for (int edge : EDGES) {
            long below = Arrays.stream(lengths).filter(length -> length <= edge).count();
            text.append(name)
                    .append("_bucket{engine=\"0\",le=\"")
                    .append((double) edge)
                    .append("\"} ");
            text.append((double) below).append('\n');
        }
        text.append(name)
                .append("_bucket{engine=\"0\",le=\"+Inf\"} ")
                .append((double) lengths.length)
                .append('\n');
    }

    private static int bucket(double length) {
        int bucket = 0;
        while (bucket < EDGES.length && length > EDGES[bucket]) {
            bucket++;
        }
        return bucket;
    }

    @Test
    void quantiles_comeBackWithinOneBucket() {
        var random = new SplittableRandom(5);
        var law = LengthDistribution.parse("log-normal:400,0.9,1,4000");
        var answers = LengthDistribution.parse("uniform:20,180");
        var prompts = random.ints(4000).map(_ -> law.draw(random)).toArray();
        var outputs = random.ints(4000).map(_ -> answers.draw(random)).toArray();
        var recorded = RecordedWorkload.of(List.of(
                new RecordedWorkload.Look(0, metrics(new int[0], new int[0])),
                new RecordedWorkload.Look(100, metrics(prompts, outputs))));
        assertThat(recorded.requests()).isEqualTo(4000);
        same(prompts, recorded.prompt());
        same(outputs, recorded.output());
        assertThat(recorded.yaml("u", false)).contains("rate: 40.0000").contains("tokens: histogram:");
        assertThat(LengthDistribution.parse(recorded.prompt().text())).isEqualTo(recorded.prompt());
    }

    private static void same(int[] lengths, LengthDistribution again) {
        var random = new SplittableRandom(6);
        var drawn = random.ints(4000).map(_ -> again.draw(random)).sorted().toArray();
        var sorted = Arrays.stream(lengths).sorted().toArray();
        for (double share : new double[] {0.05, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99}) {
            int at = (int) (share * 3999);
            assertThat(Math.abs(bucket(drawn[at]) - bucket(sorted[at])))
                    .as("buckets between the quantiles at " + share)
                    .isLessThanOrEqualTo(1);
        }
    }

    @Test
    void nothingThatEnded_isTold() {
        var some = new RecordedWorkload.Look(0, metrics(new int[] {3, 4}, new int[] {3, 4}));
        assertThatThrownBy(() -> RecordedWorkload.of(List.of(some, some))).isInstanceOf(ConfigException.class);
        assertThatThrownBy(() -> RecordedWorkload.of(List.of(some))).hasMessageContaining("only once");
        var empty = new RecordedWorkload.Look(9, "up 1\n");
        assertThatThrownBy(() -> RecordedWorkload.of(List.of(empty, empty)))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("_bucket");
    }

    @Test
    void restart_keepsWhatWasSeenBeforeAndAfter() {
        var recorded = RecordedWorkload.of(List.of(
                new RecordedWorkload.Look(0, metrics(new int[] {3}, new int[] {3})),
                new RecordedWorkload.Look(10, metrics(new int[] {3, 90, 90}, new int[] {3, 4, 4})),
                new RecordedWorkload.Look(20, metrics(new int[] {40}, new int[] {4})),
                new RecordedWorkload.Look(30, metrics(new int[] {40, 40}, new int[] {4, 4}))));
        assertThat(recorded.requests()).isEqualTo(4);
        assertThat(recorded.restarts()).isEqualTo(1);
        assertThat(recorded.prompt())
                .hasToString("Histogram[upTo=[1, 2, 5, 10, 20, 50, 100], counts=[0, 0, 0, 0, 0, 2, 2]]");
        assertThat(recorded.yaml("u", false)).contains("started anew").contains("rate: 0.1333");
    }

    private static RecordedWorkload.Look born(double seconds, String birth, int... prompts) {
        return new RecordedWorkload.Look(
                seconds, "process_start_time_seconds " + birth + "\n" + metrics(prompts, prompts));
    }

    /** A node's inference port shows one of its engines at each look. */
    @Test
    void enginesInTurn_areEachComparedWithThemselves() {
        var recorded = RecordedWorkload.of(List.of(
                born(0, "1.5", 3, 3, 3, 3),
                born(10, "2.5", 90),
                born(20, "1.5", 3, 3, 3, 3, 40),
                born(30, "2.5", 90, 40, 40),
                born(40, "1.5", 3, 3, 3, 3, 40, 40)));
        assertThat(recorded.prompt()).hasToString("Histogram[upTo=[1, 2, 5, 10, 20, 50], counts=[0, 0, 0, 0, 0, 4]]");
        assertThat(recorded.restarts()).isZero();
        assertThat(recorded.meanRunning()).isEqualTo(6);
        assertThat(recorded.yaml("u", false))
                .contains("2 engines answered in turn")
                .contains("rate: 0.1000");
    }

    /** Its counters had passed those of the one before when it was looked at. */
    @Test
    void engineThatTookAnothersPlace_countsFromZero() {
        var recorded = RecordedWorkload.of(List.of(born(0, "1.5", 3), born(10, "2.5", 40, 40, 40)));
        assertThat(recorded.requests()).isEqualTo(3);
        assertThat(recorded.restarts()).isOne();
    }

    /** One of two engines on a page began anew, and its sum with the other did not fall. */
    @Test
    void everySeriesIsCountedApart() {
        var recorded = RecordedWorkload.of(List.of(
                new RecordedWorkload.Look(0, metrics(new int[] {3, 3}, new int[] {3, 3}) + second(3)),
                new RecordedWorkload.Look(10, metrics(new int[] {40}, new int[] {4}) + second(3, 40, 40))));
        assertThat(recorded.requests()).isEqualTo(3);
        assertThat(recorded.restarts()).isOne();
    }

    private static String second(int... lengths) {
        return metrics(lengths, lengths).replace("engine=\"0\"", "engine=\"1\"");
    }

    @Test
    void everyFormOfPrometheusLine_isRead() {
        var before = metrics(new int[0], new int[0]);
        var odd = metrics(new int[] {40, 40}, new int[] {4, 4})
                .replaceAll("engine=\"0\"", "role=\"a} b\",engine=\"0\"")
                .replaceAll("(?m)$", " 1795994432000")
                .replaceAll(
                        "prompt_tokens_bucket(.*) 1795994432000", "prompt_tokens_bucket$1 # {trace_id=\"x\"} 7.0 1.0");
        var recorded = RecordedWorkload.of(List.of(
                new RecordedWorkload.Look(0, before.replaceAll("engine=\"0\"", "role=\"a} b\",engine=\"0\"")),
                new RecordedWorkload.Look(
                        10, odd + "vllm:num_requests_waiting{engine=\"0\"} NaN\nvllm:num_requests_waiting lots\n")));
        assertThat(recorded.requests()).isEqualTo(2);
        assertThat(recorded.meanRunning()).isEqualTo(3);
    }
}
