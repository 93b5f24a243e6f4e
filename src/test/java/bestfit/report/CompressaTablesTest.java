package bestfit.report;

import static org.assertj.core.api.Assertions.assertThat;

import bestfit.store.Experiment;
import java.util.List;
import org.junit.jupiter.api.Test;

class CompressaTablesTest {
    private static final List<Experiment> FOUND = List.of(new Experiment(
            1,
            "a rather long name of an experiment",
            "2026-11-24 10:00:00",
            "a description that nobody needs in full to find it",
            List.of(),
            List.of(new Experiment.Metric("TTFT", 0.25))));

    private static int widest(int width) {
        return CompressaTables.list(FOUND, false, true, width)
                .lines()
                .mapToInt(String::length)
                .max()
                .orElse(0);
    }

    @Test
    void narrowScreenCutsDescriptionsFirst() {
        assertThat(widest(Integer.MAX_VALUE)).isGreaterThan(100);
        assertThat(widest(100)).isEqualTo(100);
        var narrow = CompressaTables.list(FOUND, false, true, 80);
        assertThat(narrow).contains("2026-11-24 10:00:00", "a rather", "…", "TTFT: 0.2500");
        assertThat(widest(80)).isEqualTo(80);
    }
}
