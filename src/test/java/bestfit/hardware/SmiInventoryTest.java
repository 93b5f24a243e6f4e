package bestfit.hardware;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SmiInventoryTest {
    @Test
    void readsWhatNvidiaSmiPrints(@TempDir Path folder) throws IOException {
        var smi = folder.resolve("nvidia-smi");
        Files.writeString(
                smi, "#!/bin/sh\necho '0, NVIDIA H100 80GB HBM3, 81559'\necho '1, NVIDIA H100 80GB HBM3, 81559'\n");
        assertThat(smi.toFile().setExecutable(true)).isTrue();
        var gpus = SmiInventory.gpus(Map.of("PATH", folder.toString()));
        assertThat(gpus).hasSize(2);
        assertThat(new Inventory(gpus, 0).summary()).isEqualTo("2 × NVIDIA H100 80GB HBM3");
        assertThat(gpus.get(1).memoryBytes()).isEqualTo(81559L << 20);
    }

    @Test
    void brokenOrAbsentProgramMeansNoGpu(@TempDir Path folder) throws IOException {
        assertThat(SmiInventory.gpus(Map.of("PATH", folder.toString()))).isEmpty();
        assertThat(SmiInventory.parse("No devices were found\n")).isEmpty();
    }

    @Test
    void embeddedDevicesAreTwoToFourUnlessTold() {
        assertThat(Inventory.defaultCores(1)).isEqualTo(2);
        assertThat(Inventory.defaultCores(64)).isEqualTo(4);
        assertThat(Inventory.cores(6).summary()).isEqualTo("6 cores");
    }
}
