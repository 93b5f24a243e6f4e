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
        var on = row.instance();
        var memory = MemoryModel.of(on);
        var basis = Basis.of(on.gpu());
        if (memory.verdict() == MemoryModel.Verdict.NO) {
            return new Prediction(memory, basis, Map.of(), new StepTime(0, 0, 0, 0, 0));
        }
        double tokens = Math.max(
                memory.kvTokens().value(), row.load().inputTokens() + row.load().outputTokens());
        var service =
                new ServiceModel(new StepTimeModel(on, constants), constants, row.instances(), tokens).of(row.load());
        var figures = new LinkedHashMap<String, Estimate>();
        double wide = switch (basis) {
            case MEASURED_HERE -> constants.get("spread.measured");
            case SAME_GPU -> constants.get("spread.same");
            case SIMILAR_GPU -> constants.get("spread.similar");
            case SPEC_SHEET -> constants.get("spread.sheet");
        };
        double ttft = wide * constants.get("spread.ttft");
        double requests = service.outputTokensPerSecond() / row.load().outputTokens();
        figures.put("ttft_ms_mean", Estimate.within(service.ttft() * 1e3, ttft));
        figures.put("tpot_ms_mean", Estimate.within(service.tpot() * 1e3, wide));
        figures.put("itl_ms_mean", Estimate.within(service.tpot() * 1e3, wide));
        figures.put("e2e_ms_mean", Estimate.within(service.latency() * 1e3, wide));
        figures.put("output_tok_s", Estimate.within(service.outputTokensPerSecond(), wide));
        figures.put(
                "total_tok_s",
                Estimate.within(
                        requests * (row.load().inputTokens() + row.load().outputTokens()), wide));
        figures.put("req_s", Estimate.within(requests, wide));
        return new Prediction(memory, basis, figures, service.decode());
    }
}
