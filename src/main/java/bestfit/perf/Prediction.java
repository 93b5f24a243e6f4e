package bestfit.perf;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What a deployment will do under a load.
 *
 * @param figures by the name of their column, such as {@code tpot_ms_mean}; empty when it does not fit
 * @param decode where the time of a decode step goes; a zero step when it does not fit
 */
public record Prediction(MemoryModel.Memory memory, Basis basis, Map<String, Estimate> figures, StepTime decode) {
    /** What a prediction rests on. */
    public enum Basis {
        MEASURED_HERE("measured here"),
        SAME_GPU("same GPU"),
        SIMILAR_GPU("similar GPU"),
        SPEC_SHEET("spec sheet");

        private final String label;

        Basis(String label) {
            this.label = label;
        }

        public String label() {
            return label;
        }

        /** GPUs whose operators or servers were measured; then those of their generation. */
        static Basis of(bestfit.hardware.GpuSpec gpu) {
            return switch (gpu.name()) {
                case "h100", "h200", "b200", "a100", "l40s", "rtx4090", "rtxpro6000" -> SAME_GPU;
                default -> Constants.shipped().has(gpu.generation() + ".bw") ? SIMILAR_GPU : SPEC_SHEET;
            };
        }
    }

    public static Prediction of(Case row, Constants constants) {
        return of(row, constants, Basis.of(row.instance().gpu()));
    }

    /** @param basis what the constants rest on */
    static Prediction of(Case row, Constants constants, Basis basis) {
        var on = row.instance();
        var memory = MemoryModel.of(on, constants);
        if (memory.verdict() == MemoryModel.Verdict.NO) {
            return new Prediction(memory, basis, Map.of(), StepTime.ZERO);
        }
        var service = service(row, memory, constants);
        var load = row.load();
        var figures = new LinkedHashMap<String, Estimate>();
        var spread = new Spread(on, constants, basis, load, service);
        values(load, service).forEach((name, value) -> figures.put(name, spread.around(name, value)));
        return new Prediction(memory, basis, figures, service.decode());
    }

    /** How far a measurement may lie from its prediction before anything is calibrated: 1 of its logarithm's deviation. */
    static double deviation(Case row, Constants constants, String figure) {
        var memory = MemoryModel.of(row.instance(), constants);
        var service = service(row, memory, constants);
        return new Spread(row.instance(), constants, Basis.of(row.instance().gpu()), row.load(), service)
                .deviation(figure);
    }

    private static Service service(Case row, MemoryModel.Memory memory, Constants constants) {
        var load = row.load();
        double tokens = Math.max(memory.kvTokens().value(), load.inputTokens() + load.outputTokens());
        return new ServiceModel(
                        new StepTimeModel(row.instance(), constants), constants, row.instances(), tokens, row.vllm())
                .of(load);
    }

    private static Map<String, Double> values(Load load, Service service) {
        var values = new LinkedHashMap<String, Double>();
        values.put("ttft_ms_mean", service.ttft() * 1e3);
        values.put("tpot_ms_mean", service.tpot() * 1e3);
        values.put("itl_ms_mean", service.tpot() * 1e3);
        values.put("e2e_ms_mean", service.latency() * 1e3);
        values.put("output_tok_s", service.outputTokensPerSecond());
        values.put(
                "total_tok_s",
                service.outputTokensPerSecond() * (load.inputTokens() + load.outputTokens()) / load.outputTokens());
        values.put("req_s", service.requestsPerSecond());
        return values;
    }

    /** The figures alone, empty if the model does not fit. */
    static Map<String, Double> values(Case row, Constants constants) {
        var memory = MemoryModel.of(row.instance(), constants);
        return memory.verdict() == MemoryModel.Verdict.NO
                ? Map.of()
                : values(row.load(), service(row, memory, constants));
    }
}
