package bestfit.load;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import bestfit.config.ConfigException;
import java.nio.file.Files;
import java.nio.file.Path;
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
}
