package bestfit.cli;

import static org.assertj.core.api.Assertions.assertThat;

import bestfit.config.Json;
import bestfit.load.EventLog;
import bestfit.metrics.ChunkTimes;
import bestfit.metrics.Measurement;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CompareCommandTest {
    @TempDir
    Path folder;

    /** A run of 300 requests whose times spread by 10 %. */
    private Path run(String name, long seed, double slowdown) {
        var file = folder.resolve(name);
        var random = new SplittableRandom(seed);
        try (var log = EventLog.create(file, Json.object())) {
            for (int i = 0; i < 300; i++) {
                long start = i * 1_000_000_000L;
                double factor = slowdown * (1 + 0.1 * random.nextGaussian());
                long first = start + (long) (50e6 * factor);
                long last = first + (long) (200e6 * slowdown * (1 + 0.1 * random.nextGaussian()));
                log.accept(new Measurement(
                        i,
                        0,
                        start,
                        start,
                        start,
                        first,
                        first,
                        last,
                        last,
                        10,
                        11,
                        null,
                        start / 1000,
                        ChunkTimes.of(new long[] {first - start, last - start}, 2)));
            }
        }
        return file;
    }

    private static int compare(Path a, Path b) {
        return Main.run("compare", a.toString(), b.toString(), "--json");
    }

    @Test
    void sameServer_isNoRegression_andFivePercentIsOne() {
        int alarms = 0;
        int found = 0;
        for (int pair = 0; pair < 100; pair++) {
            var a = run("a", 2L * pair, 1);
            alarms += compare(a, run("b", 2L * pair + 1, 1));
            found += compare(a, run("c", 2L * pair + 1, 1.05));
        }
        assertThat(alarms).isLessThanOrEqualTo(5);
        assertThat(found).isGreaterThanOrEqualTo(90);
    }

    @Test
    void vllmsFile_isRead() throws IOException {
        var vllm = Files.writeString(folder.resolve("v.json"), """
                {"completed": 300, "mean_ttft_ms": 50.0, "std_ttft_ms": 5.0,
                 "mean_tpot_ms": 20.0, "std_tpot_ms": 2.0, "mean_e2el_ms": 250.0, "std_e2el_ms": 20.0}
                """);
        assertThat(compare(vllm, run("ours", 1, 1))).isEqualTo(ExitCode.OK);
        assertThat(compare(vllm, run("slow", 1, 1.2))).isEqualTo(ExitCode.FAILED);
        var other = Files.writeString(folder.resolve("x.json"), "{\"a\": 1}");
        assertThat(compare(vllm, other)).isEqualTo(ExitCode.BAD_INPUT);
    }
}
