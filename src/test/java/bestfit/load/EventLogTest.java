package bestfit.load;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import bestfit.config.ConfigException;
import bestfit.config.Json;
import bestfit.metrics.ChunkTimes;
import bestfit.metrics.Measurement;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class EventLogTest {
    @TempDir
    Path folder;

    @ParameterizedTest
    @ValueSource(
            strings = {
                "\0\0\0",
                "{\"i\":\"x\"}",
                "{\"i\":1,\"at_us\":1,\"chunks\":\"*\"}",
                "{\"i\":1,\"at_us\":1,\"end_ns\":null}"
            })
    void damagedLine_isNamed(String line) throws Exception {
        var file =
                Files.writeString(folder.resolve("events.jsonl"), "{\"bestfit_events\":1,\"run\":{}}\n" + line + "\n");
        assertThatThrownBy(() -> EventLog.read(file))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("events.jsonl: line 2 is damaged")
                .hasMessageNotContaining("Exception");
    }

    /** A pipe whose reader has gone fails as a full disk does. */
    @Test
    void writingThatFails_isToldWithItsReasonAndWhatToDo() throws Exception {
        var request = new Measurement(1, 0, 0, 0, 1, 2, 2, 2, 2, 3, 1, 1, null, 0, ChunkTimes.of(new long[] {2}, 1));
        var pipe = folder.resolve("events.jsonl");
        assertThat(new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor())
                .isZero();
        var reader = new ProcessBuilder("head", "-1", pipe.toString()).start();
        try (var log = EventLog.create(pipe, Json.object())) {
            reader.waitFor();
            assertThatThrownBy(() -> log.acceptAll(List.of(request)))
                    .hasMessageContaining("events.jsonl cannot be written (Broken pipe)")
                    .hasMessageContaining("--resume");
        }
    }
}
