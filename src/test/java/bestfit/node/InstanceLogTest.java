package bestfit.node;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class InstanceLogTest {
    @TempDir
    Path folder;

    @Test
    void lines_areKeptInOrder_sinceAMark_andInTheFile() throws IOException {
        var file = folder.resolve("logs").resolve("engine.log");
        try (var log = new InstanceLog("test", file)) {
            log.add("first");
            long mark = log.mark();
            log.add("second");
            log.add("INFO:     127.0.0.1:1 - \"GET /health HTTP/1.1\" 200 OK");
            log.add("third");
            assertThat(log.since(mark)).containsExactly("second", "third");
            assertThat(log.last(1)).containsExactly("third");
        }
        assertThat(Files.readAllLines(file)).containsExactly("first", "second", "third");
    }

    @Test
    void fileThatCannotBeWritten_losesNoLineInMemory() throws IOException {
        var notAFolder = Files.createFile(folder.resolve("file"));
        try (var log = new InstanceLog("test", notAFolder.resolve("engine.log"))) {
            log.add("first");
            assertThat(log.last(10)).containsExactly("first");
        }
    }

    @Test
    void prune_keepsTheNewest() throws IOException {
        for (int i = 0; i < 5; i++) {
            var file = Files.createFile(folder.resolve("log" + i));
            assertThat(file.toFile().setLastModified(1_000_000L * (i + 1))).isTrue();
        }
        InstanceLog.prune(folder, 2);
        try (var files = Files.list(folder)) {
            assertThat(files.map(file -> file.getFileName().toString())).containsExactlyInAnyOrder("log3", "log4");
        }
    }
}
