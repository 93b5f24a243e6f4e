package bestfit.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** A program of this name that tells busy, hot L4s, for tests on machines without a GPU. */
final class FakeNvidiaSmi {
    static final String UNHINDERED = "0x0000000000000000";

    private FakeNvidiaSmi() {}

    /**
     * @param folder to be put on the path
     * @param clockEventReasons of each GPU, as nvidia-smi tells them; GPU i has the UUID {@code GPU-i0}
     */
    static void install(Path folder, String... clockEventReasons) throws IOException {
        var script = new StringBuilder("#!/bin/sh\n");
        for (int i = 0; i < clockEventReasons.length; i++) {
            script.append(
                    "echo '%d, NVIDIA L4, 23034, 22568, 466, 97, 91, 580.95.05, GPU-%d0, 71.50, 72.00, 615, 6251, 2040,"
                            .formatted(i, i));
            script.append(" %s, 1, 8, 4, 16, 8.9'\n".formatted(clockEventReasons[i]));
        }
        var program = Files.writeString(folder.resolve("nvidia-smi"), script);
        assertThat(program.toFile().setExecutable(true)).isTrue();
    }
}
