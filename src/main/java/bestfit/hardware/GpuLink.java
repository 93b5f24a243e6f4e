package bestfit.hardware;

import bestfit.config.Json;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/**
 * How two GPUs of one server reach each other.
 *
 * @param path where their PCIe ways meet: {@code board}, {@code switch}, {@code switches}, {@code host-bridge},
 *     {@code numa-node}, {@code system}; null if not told
 * @param nvlink null if not told
 * @param peerToPeer false where each byte goes through the host's memory; null if not told
 */
public record GpuLink(
        int one,
        int other,
        @Nullable String path,
        @Nullable Boolean nvlink,
        @Nullable Boolean peerToPeer) {
    public ObjectNode toJson() {
        return Json.object()
                .put("gpus", one + "-" + other)
                .put("path", path)
                .put("nvlink", nvlink)
                .put("p2p", peerToPeer);
    }
}
