package bestfit.engine;

import bestfit.model.Dtype;
import bestfit.model.ModelSpec;
import bestfit.time.NanoClock;
import java.util.Arrays;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * What {@code --simulate} asks for: GPUs that are not there.
 *
 * @param spec as the user wrote it
 * @param spread standard deviation of an engine's speed from one start to the next, as a share
 * @param noise likewise from step to step
 * @param drift growth of every step's time in an hour of simulated time, as a share
 * @param timeScale seconds of simulated time that pass in one of real time
 */
public record Simulation(
        String spec, int devices, SimulatedGpu gpu, double spread, double noise, double drift, double timeScale) {
    private static final Pattern SERVER = Pattern.compile("([1-9]\\d{0,2})x([\\w-]+)");
    private static final Pattern OPTION = Pattern.compile("(spread|noise|drift)=(\\d*\\.?\\d+)");
    private static final double GREATEST_SCALE = 10_000;

    /**
     * Reads {@code 8x4070tis}, and what varies behind commas: {@code 8x4070tis,spread=0.01,noise=0.02,drift=0.05}.
     *
     * @param scale {@code --time-scale}
     */
    static Simulation parse(String spec, String scale) throws ArgumentError {
        var parts = spec.split(",", -1);
        var server = SERVER.matcher(parts[0].strip());
        var gpu = server.matches() ? SimulatedGpu.find(server.group(2)) : Optional.<SimulatedGpu>empty();
        if (gpu.isEmpty()) {
            throw new ArgumentError("argument --simulate: invalid value: '" + spec + "' (it is COUNTxGPU, such as"
                    + " 8x4070tis; known GPUs: " + String.join(", ", SimulatedGpu.names()) + ")");
        }
        double spread = 0;
        double noise = 0;
        double drift = 0;
        for (var part : Arrays.asList(parts).subList(1, parts.length)) {
            var option = OPTION.matcher(part.strip());
            if (!option.matches()) {
                throw new ArgumentError("argument --simulate: invalid value: '" + part
                        + "' (behind the server come spread=X, noise=X, drift=X, shares such as 0.02)");
            }
            double share = Double.parseDouble(option.group(2));
            switch (option.group(1)) {
                case "spread" -> spread = share;
                case "noise" -> noise = share;
                default -> drift = share;
            }
        }
        return new Simulation(
                spec, Integer.parseInt(server.group(1)), gpu.get(), spread, noise, drift, timeScale(scale));
    }

    /** Bytes of one weight as the args say. */
    static int weightNumberBytes(EngineArgs args, ModelSpec spec) {
        if ("fp8".equals(args.given().get("quantization"))) {
            return 1;
        }
        return Dtype.parse(args.dtype()).orElse(spec.dtype()).bytes();
    }

    /** Bytes of one number of the KV cache as the args say. */
    static int kvNumberBytes(EngineArgs args) {
        return args.given().getOrDefault("kv_cache_dtype", "auto").startsWith("fp8") ? 1 : 2;
    }

    /** The devices' time for a model's steps. */
    StepTimer timer(EngineArgs args, ModelSpec spec, NanoClock clock) {
        var steady = new RooflineTimer(
                spec,
                gpu,
                args.tensorParallel(),
                args.pipelineParallel(),
                weightNumberBytes(args, spec),
                kvNumberBytes(args));
        return spread + noise + drift == 0
                ? steady
                : new UnsteadyTimer(steady, this, clock, ProcessHandle.current().pid() ^ System.nanoTime());
    }

    /** How many devices a {@code --simulate} value has; checks it. */
    public static int devices(String spec, String scale) throws ArgumentError {
        return parse(spec, scale).devices();
    }

    private static double timeScale(String text) throws ArgumentError {
        if (text.matches("\\d{1,6}(\\.\\d{1,6})?|\\.\\d{1,6}")) {
            double scale = Double.parseDouble(text);
            if (scale > 0 && scale <= GREATEST_SCALE) {
                return scale;
            }
        }
        throw new ArgumentError("argument --time-scale: invalid value: '" + text
                + "' (more than 0 and at most 10000; 50 lets 50 simulated seconds pass in one)");
    }
}
