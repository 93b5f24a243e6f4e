package bestfit.deploy;

import static org.assertj.core.api.Assertions.assertThat;

import bestfit.config.Json;
import bestfit.hardware.GpuSampler;
import bestfit.http.HttpServer;
import bestfit.http.Router;
import org.junit.jupiter.api.Test;

class NodeGpusTest {
    /** Only {@code /api/v1/gpu/devices}; a node that is gone is one without GPUs for as long as that lasts. */
    @Test
    void mlNodeTellsHowBusyAndHotItsGpusAre() throws Exception {
        var devices = Json.parse("""
                {"devices":[{"index":1,"name":"NVIDIA H100","total_memory_mb":81559,"free_memory_mb":1559,
                "used_memory_mb":80000,"utilization_percent":97,"temperature_c":71,"is_available":true,
                "error_message":null}],"count":1}""");
        var router = new Router().get("/api/v1/gpu/devices", exchange -> exchange.json(200, devices));
        NodeGpus gpus;
        try (var server = HttpServer.start("127.0.0.1", 0, HttpServer.Limits.DEFAULTS, router)) {
            gpus = new NodeGpus(new NodeClient(new NodeAddress(server.url(), server.url())));
            var reading = gpus.read();
            assertThat(reading.isOfMlNode()).isTrue();
            var gpu = reading.gpus().getFirst();
            assertThat(gpu.index()).isEqualTo(1);
            assertThat(gpu.busyPercent()).isEqualTo(97);
            assertThat(gpu.temperatureCelsius()).isEqualTo(71);
            assertThat(gpu.clocks().smMhz()).isNull();
            assertThat(gpu.error()).isNull();
            assertThat(reading.devices().getFirst().memoryBytes()).isEqualTo(81559L << 20);
        }
        assertThat(gpus.read().gpus()).isEmpty();
        try (var sampler = GpuSampler.start(gpus)) {
            assertThat(sampler.summary().isEmpty()).isTrue();
        }
    }
}
