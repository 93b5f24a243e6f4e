package bestfit.perf;

import bestfit.config.ConfigException;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.GZIPInputStream;

/** Text that may be packed: long tables are kept so. */
final class Gzip {
    private static final int MAGIC = 0x1f8b;

    private Gzip() {}

    /** @throws ConfigException naming the file that cannot be read */
    static String text(Path file) {
        try (var raw = new BufferedInputStream(Files.newInputStream(file))) {
            raw.mark(2);
            boolean packed = (raw.read() << 8 | raw.read()) == MAGIC;
            raw.reset();
            var in = packed ? new GZIPInputStream(raw) : raw;
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new ConfigException(file + ": cannot be read: " + e.getMessage());
        }
    }
}
