package bestfit.deploy;

import bestfit.hardware.GpuReading;
import bestfit.hardware.GpuSource;
import java.io.IOException;

/** A node's GPUs by its own word, on whatever machine it is; none at a moment when it does not answer. */
public record NodeGpus(NodeClient node) implements GpuSource {
    @Override
    public GpuReading read() {
        try {
            return node.gpuReading();
        } catch (IOException e) {
            return GpuReading.NONE;
        }
    }
}
