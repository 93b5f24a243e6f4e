package bestfit.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class UnreadableTest {
    @TempDir
    Path folder;

    private static String why(Path file) {
        return Unreadable.why(file, catchThrowableOfType(IOException.class, () -> Files.readString(file)));
    }

    @Test
    void eachReason_isTold() throws IOException {
        assertThat(why(folder.resolve("none"))).isEqualTo("it does not exist");
        assertThat(why(folder)).isEqualTo("it is a folder");
        assertThat(why(Files.write(folder.resolve("binary"), new byte[] {(byte) 0xff, (byte) 0xfe})))
                .isEqualTo("it is no UTF-8 text");
    }
}
