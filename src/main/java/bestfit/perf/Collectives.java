package bestfit.perf;

import bestfit.hardware.Interconnect;

/**
 * Time that the GPUs of an instance spend on one another in a step: two all-reduces a layer and one for the embedding over
 * TP, the output matrix's gather, and the hand-over between the stages of a pipeline (Megatron-LM's cut, as vLLM does it).
 */
final class Collectives {
    private static final double MICRO = 1e-6;
    private static final double GIGA = 1e9;
    private static final double NVLINK_4 = 450e9;

    private final Instance on;
    private final double start;
    private final double startOutsideGraph;
    private final double bytesPerSecond;
    private final double handOver;
    private final double handOverBytesPerSecond;

    Collectives(Instance on, Constants constants) {
        this.on = on;
        var link = on.link();
        int gpus = on.expertGpus();
        int n = gpus <= 2 ? 2 : gpus <= 4 ? 4 : 8;
        boolean host = !link.nvlink() && !link.peerToPeer();
        var name = "ar." + (host ? "host" : link.kind()) + "." + n;
        boolean nccl = link.nvlink() && !on.settings().version().vllm();
        // NCCL's are those of NVLink 4; on the A100's NVLink 3 they are half as long again.
        double older = Math.max(1, NVLINK_4 / link.bytesPerSecond());
        start = (nccl ? constants.get("ar.nccl." + n + ".us") * older : constants.get(name + ".us")) * MICRO;
        startOutsideGraph = start + constants.get("ar.eagerUs") * MICRO;
        double speed = host ? constants.get("ar.host.speed") : nccl ? constants.get("ar.nccl.share") : 1;
        bytesPerSecond = constants.get(name + ".bus") * GIGA * scale(link, host) * speed;
        handOver = constants.get("pp.handoverUs") * MICRO;
        handOverBytesPerSecond = link.bytesPerSecond() * constants.get(host ? "pp.hostShare" : "pp.peerShare");
    }

    /** The constants are those of NVLink 4 and, through the host, of PCIe 4 with 16 lanes. */
    private static double scale(Interconnect link, boolean host) {
        if (link.nvlink()) {
            return link.bytesPerSecond() / NVLINK_4;
        }
        return host ? link.bytesPerSecond() / 32e9 : 1;
    }

    double seconds(double tokens, double sampled, boolean graph) {
        double seconds = 0;
        var card = on.card();
        if (on.tp() > 1) {
            seconds += (2.0 * card.layers() + 1) * allReduce(tokens * card.hidden() * 2, graph);
            if (card.normAcrossHeads()) {
                // A 32-bit sum of squares of query and key each (vLLM's MiniMaxText01RMSNormTP).
                seconds += 2.0 * card.layers() * allReduce(tokens * 4, graph);
            }
            seconds += allReduce(sampled * card.vocabulary() * 2.0 / on.tp(), graph) / 2;
        }
        int ranks = on.settings().dataParallel();
        if (ranks > 1 && card.experts() != null) {
            // Each rank gathers the others' tokens and gets its own back summed (vLLM's allgather_reducescatter).
            double bytes = tokens * ranks * card.hidden() * 2;
            seconds += (double) card.moeLayers()
                    * (2 * startOutsideGraph + bytes * 2 * (ranks - 1) / ranks / bytesPerSecond);
        }
        if (on.pp() > 1) {
            // Hidden states and residual, in 16 bits.
            double bytes = 2 * tokens * card.hidden() * 2;
            seconds += (on.pp() - 1) * (handOver + bytes / handOverBytesPerSecond);
        }
        return seconds;
    }

    /** t = α + bytes·2(n−1)/n / busBW: ring bound of NCCL's performance notes. */
    double allReduce(double bytes, boolean graph) {
        double ring = 2.0 * (on.tp() - 1) / on.tp();
        return (graph ? start : startOutsideGraph) + bytes * ring / bytesPerSecond;
    }
}
