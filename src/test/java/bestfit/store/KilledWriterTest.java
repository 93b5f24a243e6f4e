package bestfit.store;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A writer killed amid its work has lost nothing that it had reported as stored. */
@Tag("slow")
class KilledWriterTest {
    @TempDir
    Path folder;

    /** Stores measurements without end and prints the number of each once it is stored. */
    static final class Writer {
        public static void main(String[] args) {
            var folder = Path.of(args[0]);
            var store = new ExperimentStore(Database.open(folder.resolve("db.sqlite"), folder));
            var sink = store.sink(store.begin("killed", null, Map.of()));
            for (int i = 0; ; i++) {
                sink.accept(DatabaseTest.measurement(i, 0, null));
                System.out.println(i);
            }
        }
    }

    @Test
    void whatWasStored_isThereAfterKill() throws Exception {
        for (int round = 1; round <= 3; round++) {
            var process = new ProcessBuilder(
                            Path.of(System.getProperty("java.home"), "bin", "java")
                                    .toString(),
                            "--enable-native-access=ALL-UNNAMED",
                            "-cp",
                            System.getProperty("java.class.path"),
                            Writer.class.getName(),
                            folder.toString())
                    .redirectError(ProcessBuilder.Redirect.DISCARD)
                    .start();
            int stored = -1;
            try (var out =
                    new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
                for (var line = out.readLine(); line != null; line = out.readLine()) {
                    stored = Integer.parseInt(line);
                    if (stored == 40 * round) {
                        process.toHandle().destroyForcibly(); // Process's own would close the stream too
                    }
                }
            }
            assertThat(stored).isGreaterThanOrEqualTo(40 * round);
            try (var database = Database.open(folder.resolve("db.sqlite"), folder)) {
                var store = new ExperimentStore(database);
                assertThat(store.measurements(round)).hasSizeGreaterThan(stored).hasSizeLessThan(stored + 3);
                assertThat(store.timings(round)).hasSameSizeAs(store.measurements(round));
                assertThat(database.<List<String>>read(connection -> {
                            try (var statement = connection.createStatement();
                                    var result = statement.executeQuery("PRAGMA integrity_check")) {
                                return List.of(result.getString(1));
                            }
                        }))
                        .containsExactly("ok");
            }
        }
    }
}
