package bestfit.hardware;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** One server of two L4, one of which hides its power: told alike by the driver's library and by its program. */
class GpuSourceTest {
    private static final String ROWS = """
            echo '0, NVIDIA L4, 23034, 22568, 466, 37, 61, 580.95.05, GPU-a, 71.50, 72.00, 1230, 6251, 2040, 0x0000000000000024, 1, 8, 4, 16, 8.9'
            echo '1, NVIDIA L4, 23034, 22568, 466, 37, 61, 580.95.05, GPU-b, [N/A], 72.00, 1230, 6251, 2040, 0x0000000000000024, 1, 8, 4, 16, 8.9'
            """;

    @TempDir
    Path folder;

    @TestFactory
    Stream<DynamicTest> everySourceTellsTheSame() {
        return Stream.of("nvml", "nvidia-smi")
                .map(name -> DynamicTest.dynamicTest(name, () -> {
                    try (var source = name.equals("nvml") ? nvml().orElseThrow() : smi(ROWS)) {
                        contract(source.read(), name);
                    }
                }));
    }

    private static void contract(GpuReading reading, String name) {
        assertThat(reading.source()).isEqualTo(name);
        assertThat(reading.driver().version()).isEqualTo("580.95.05");
        assertThat(reading.devices())
                .containsExactly(
                        new Device(Device.Kind.GPU, 0, "NVIDIA L4", 23034L << 20),
                        new Device(Device.Kind.GPU, 1, "NVIDIA L4", 23034L << 20));
        var first = reading.gpus().getFirst();
        assertThat(first)
                .isEqualTo(new Gpu(
                        0,
                        "NVIDIA L4",
                        "GPU-a",
                        new Gpu.Memory(23034L << 20, 22568L << 20, 466L << 20),
                        37,
                        61,
                        new Gpu.Power(71.5, 72.0),
                        new Gpu.Clocks(1230, 6251, 2040, List.of("power-cap", "sw-thermal")),
                        new Gpu.Pcie(1, 8, 4, 16),
                        null,
                        "8.9",
                        null));
        assertThat(reading.gpus().get(1).power()).isEqualTo(new Gpu.Power(null, 72.0));
    }

    @Test
    void libraryAloneTellsVersionsAndLinks() throws IOException, InterruptedException {
        try (var source = nvml().orElseThrow()) {
            var reading = source.read();
            assertThat(reading.driver()).isEqualTo(new GpuReading.Driver("580.95.05", "13.0", "13.580.95.05"));
            assertThat(reading.links()).containsExactly(new GpuLink(0, 1, "host-bridge", false, false));
            assertThat(reading.peerToPeer()).contains(false);
            assertThat(ServerSpec.of(reading).link()).isEqualTo(Interconnect.pcie(Interconnect.Kind.PCIE4, 16, false));
        }
    }

    @Test
    void lostGpuIsToldAndNotUsed() throws IOException, InterruptedException {
        try (var source = nvml("-DLOST").orElseThrow()) {
            var reading = source.read();
            assertThat(reading.gpus()).hasSize(2);
            assertThat(reading.gpus().get(1).error()).contains("off the bus");
            assertThat(reading.devices()).hasSize(1);
        }
    }

    /** CUDA's rules, as PyTorch restates them (torch.cuda.device_count). */
    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            0,1         | 0,1
            1           | 1
            1, 0        | 1,0
            1,-1,0      | 1
            1,2,0       | 1
            1,,0        | 1
            1,1         | ''
            1,GPU-b     | ''
            ''          | ''
            -1          | ''
            none        | ''
            GPU-b,GPU-a | 1,0
            GPU-b,GPU-c | 1
            GPU-,0      | ''
            """)
    void variableLeavesTheGpusThatCudaWouldTake(String value, String left) throws IOException {
        var reading = new VisibleGpus(smi(ROWS), value).read();
        assertThat(reading.gpus().stream().map(gpu -> Integer.toString(gpu.index())))
                .isEqualTo(left.isEmpty() ? List.of() : List.of(left.split(",", -1)));
    }

    @Test
    void partOfAGpuIsToldByTheLibrary_byTheProgramWithoutItsMemory() throws IOException, InterruptedException {
        var byProgram = new VisibleGpus(smi(ROWS), "MIG-7b,GPU-b").read();
        assertThat(byProgram.gpus()).extracting(Gpu::uuid).containsExactly("MIG-7b", "GPU-b");
        assertThat(byProgram.devices()).hasSize(1);
        try (var source = new VisibleGpus(nvml().orElseThrow(), "MIG-7b")) {
            assertThat(source.read().devices())
                    .containsExactly(new Device(Device.Kind.GPU, 0, "NVIDIA L4", 23034L << 20));
            assertThat(source.read().links()).isEmpty();
        }
    }

    @Test
    void libraryWithoutDriverIsNoSource() throws IOException, InterruptedException {
        assertThat(nvml("-DNO_DRIVER")).isEmpty();
        assertThat(Nvml.open("/no/such/libnvidia-ml.so.1")).isEmpty();
        assertThat(Nvml.open("libno-such-library.so.7")).isEmpty();
    }

    @Test
    void programThatRefusesAFieldIsAskedForTheBasicOnes() throws IOException {
        var source = smi("""
                case "$1" in *compute_cap*) echo 'Field "compute_cap" is not a valid field to query.'; exit 2;; esac
                echo '0, Tesla T4, 15360, 15000, 360, [N/A], 40, 450.80.02'
                """);
        var gpu = source.read().gpus().getFirst();
        assertThat(gpu.name()).isEqualTo("Tesla T4");
        assertThat(gpu.busyPercent()).isNull();
        assertThat(gpu.computeCapability()).isNull();
    }

    /** Stand-ins and wrappers of the program answer less than it does. */
    @Test
    void programThatTellsLittleIsBelievedThatMuch() throws IOException {
        var plain = smi("echo '0, NVIDIA H100 80GB HBM3, 81559 MiB'").read();
        assertThat(plain.devices())
                .containsExactly(new Device(Device.Kind.GPU, 0, "NVIDIA H100 80GB HBM3", 81559L << 20));
        var list = smi("""
                [ "$1" = -L ] || exit 2
                echo 'GPU 0: NVIDIA A100-SXM4-40GB (UUID: GPU-5a)'
                echo '  MIG 1g.5gb      Device  0: (UUID: MIG-7b)'
                echo 'GPU 1: NVIDIA A100-SXM4-40GB (UUID: GPU-5c)'
                """).read();
        assertThat(list.gpus()).extracting(Gpu::name).containsExactly("NVIDIA A100-SXM4-40GB", "NVIDIA A100-SXM4-40GB");
        assertThat(list.devices()).as("without memory").isEmpty();
        assertThat(SmiInventory.present(list)).isTrue();
        assertThat(smi("head -c 100000 /dev/urandom").read().gpus()).isEmpty();
    }

    @Test
    void programThatHangsIsLeftAlone() throws IOException {
        var program = smi("sleep 1000").program();
        var before = ProcessHandle.current().descendants().collect(java.util.stream.Collectors.toSet());
        var reading = new SmiSource(program, Duration.ofMillis(300)).read();
        assertThat(reading.problem()).contains("gave no answer");
        org.awaitility.Awaitility.await()
                .until(() -> ProcessHandle.current().descendants().allMatch(before::contains));
    }

    @Test
    void samplerSumsUpWhatItSaw() throws IOException {
        try (var sampler = GpuSampler.start(smi(ROWS))) {
            org.awaitility.Awaitility.await().until(() -> !sampler.summary().isEmpty());
            var first = sampler.summary().get(0);
            assertThat(first.path("busy_percent_mean").asDouble()).isEqualTo(37);
            assertThat(first.path("sm_clock_least_mhz").asInt()).isEqualTo(1230);
            assertThat(first.path("slowed_by_samples").path("sw-thermal").asInt())
                    .isEqualTo(first.path("samples").asInt());
            assertThat(first.path("slowed_by").toString()).isEqualTo("[\"power-cap\",\"sw-thermal\"]");
        }
        try (var sampler = GpuSampler.start(GpuSource.NONE)) {
            assertThat(sampler.summary()).isEmpty();
        }
    }

    @Test
    void noneIsAnEmptyList() throws IOException {
        assertThat(GpuSource.NONE.read().devices()).isEmpty();
        assertThat(smi("echo 'No devices were found'").read())
                .isEqualTo(GpuReading.none("it answers in no known form"));
        assertThat(smi("echo 'Failed to initialize NVML: Driver/library version mismatch'; exit 18")
                        .read()
                        .problem())
                .isEqualTo("it ends with 18: Failed to initialize NVML: Driver/library version mismatch");
        assertThat(smi("exit 9").read().gpus()).isEmpty();
        assertThat(new SmiSource(folder.resolve("absent")).read().gpus()).isEmpty();
    }

    @Test
    void embeddedDevicesAreTwoToFourUnlessTold() {
        assertThat(Inventory.defaultCores(1)).isEqualTo(2);
        assertThat(Inventory.defaultCores(64)).isEqualTo(4);
        assertThat(Inventory.cores(6).summary()).isEqualTo("6 cores");
    }

    private SmiSource smi(String script) throws IOException {
        var program = folder.resolve("nvidia-smi");
        Files.writeString(program, "#!/bin/sh\n" + script);
        assertThat(program.toFile().setExecutable(true)).isTrue();
        return new SmiSource(program);
    }

    private Optional<NvmlSource> nvml(String... flags) throws IOException, InterruptedException {
        assumeTrue(
                SmiInventory.onPath("gcc", System.getenv()).isPresent(),
                "no gcc here, so no stand-in of the driver's library can be built");
        var source = folder.resolve("nvml.c");
        try (var in = getClass().getResourceAsStream("fake-nvml.c")) {
            Files.write(source, java.util.Objects.requireNonNull(in).readAllBytes());
        }
        // Another name each time: the loader keeps what it has loaded once.
        var library = Files.createTempFile(folder, "libnvidia-ml", ".so");
        var command =
                new ArrayList<>(List.of("gcc", "-shared", "-fPIC", "-w", "-o", library.toString(), source.toString()));
        command.addAll(List.of(flags));
        assertThat(new ProcessBuilder(command).inheritIO().start().waitFor()).isZero();
        return Nvml.open(library.toString()).map(NvmlSource::new);
    }
}
