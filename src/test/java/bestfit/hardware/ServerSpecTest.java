package bestfit.hardware;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ServerSpecTest {
    @ParameterizedTest
    @CsvSource({
        "8x4070tis, rtx4070tis, 8",
        "4xL4, l4, 4",
        "2xL40S 48GB, l40s, 2",
        "8xH100-SXM, h100, 8",
        "NVIDIA-H100-PCIe, h100-pcie, 1",
        "NVIDIA-GeForce-RTX-4090, rtx4090, 1",
        "RTX 4090 24GB, rtx4090, 1",
        "8xNVIDIA GeForce RTX 4070 Ti SUPER, rtx4070tis, 8",
        "NVIDIA H100 80GB HBM3, h100, 1",
        "B200-SXM-180GB, b200, 1",
        "H200 141GB, h200, 1",
        "'A100-40GB (Polaris, SXM)', a100-40, 1",
        "NVIDIA A100-SXM4-80GB, a100, 1",
        "NVIDIA A100-SXM4-40GB, a100-40, 1",
        "NVIDIA A100-PCIE-40GB, a100-pcie-40, 1",
        "NVIDIA A100 80GB PCIe, a100-pcie, 1",
        "A100, a100, 1",
        "H100 PCIe, h100-pcie, 1",
        "NVIDIA H100 NVL, h100-nvl, 1",
        "H100 SXM5 80GB, h100, 1",
        "NVIDIA GH200 480GB, gh200, 1",
        "NVIDIA GH200 144G HBM3e, gh200-144, 1",
        "GB200 NVL72, gb200, 1",
        "H20 141GB, h20-141, 1",
        "NVIDIA H20, h20, 1",
        "H800, h800, 1",
        "A10G, a10g, 1",
        "A6000, a6000, 1",
        "NVIDIA RTX A6000, a6000, 1",
        "NVIDIA RTX 6000 Ada Generation, rtx6000ada, 1",
        "RTX 5090, rtx5090, 1",
        "NVIDIA RTX PRO 6000 Blackwell Server Edition, rtxpro6000, 1",
        "RTX PRO 6000 Blackwell Max-Q Workstation Edition, rtxpro6000, 1",
        "RTX 4090 OC, rtx4090, 1",
        "RTX4090-24G, rtx4090, 1",
        "4x NVIDIA L20, l20, 4",
        "Tesla V100-SXM2-16GB, v100-16, 1",
        "AMD Instinct MI300X OAM, mi300x, 1",
        "MI355X, mi355x, 1"
    })
    void spellings(String text, String gpu, int count) {
        var server = ServerSpec.parse(text);
        assertThat(server.gpu().name()).isEqualTo(gpu);
        assertThat(server.count()).isEqualTo(count);
    }

    @Test
    void an_unknown_gpu_names_the_nearest() {
        assertThatThrownBy(() -> ServerSpec.parse("8x4070tiss"))
                .hasMessageContaining("GPU 4070tiss is not known; the nearest known is 4070tis");
    }

    @Test
    void yaml_changes_the_interconnect(@TempDir Path folder) throws Exception {
        var file = Files.writeString(
                folder.resolve("s.yml"), "gpu: rtx4090\ncount: 4\ninterconnect: pcie3\nlanes: 8\np2p: true\n");
        var server = ServerSpec.parse(file.toString());
        assertThat(server.link().bytesPerSecond()).isEqualTo(8e9);
        assertThat(server.link().peerToPeer()).isTrue();
        Files.writeString(file, "count: 0x\nlanes: 3\n");
        assertThatThrownBy(() -> ServerSpec.parse(file.toString()))
                .hasMessageContaining("gpu: missing")
                .hasMessageContaining("count")
                .hasMessageContaining("lanes");
    }
}
