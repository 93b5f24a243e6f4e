package bestfit.engine;

import bestfit.args.VllmArgs;
import bestfit.config.ConfigException;
import bestfit.hardware.GpuSpec;
import bestfit.hardware.ServerSpec;
import bestfit.model.KnownModels;
import bestfit.model.Model;
import bestfit.model.ModelCard;
import bestfit.perf.Constants;
import bestfit.perf.EngineSettings;
import bestfit.perf.Instance;
import bestfit.perf.StepTimeModel;
import bestfit.time.NanoClock;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Pattern;

/**
 * What {@code --simulate} asks for: GPUs that are not there.
 *
 * @param spec as the user wrote it
 * @param spread standard deviation of an engine's speed from one start to the next, as a share
 * @param noise likewise from step to step
 * @param drift growth of every step's time in an hour of simulated time, as a share
 * @param stepSeconds what every pass takes; 0 for what the performance model says
 * @param timeScale seconds of simulated time that pass in one of real time
 */
public record Simulation(
        String spec,
        ServerSpec server,
        double spread,
        double noise,
        double drift,
        double stepSeconds,
        double timeScale) {
    private static final Pattern OPTION = Pattern.compile("(spread|noise|drift|step)=(\\d*\\.?\\d+)");
    private static final double GREATEST_SCALE = 10_000;

    /** Flags that the performance model reads; what the engine decides by itself is given as decided. */
    private static final List<String> READ = List.of("quantization", "kv_cache_dtype", "cpu_offload_gb");

    /**
     * Reads {@code 8x4070tis} or a server's YAML file, and what varies behind commas:
     * {@code 8x4070tis,spread=0.01,noise=0.02,drift=0.05}.
     *
     * @param scale {@code --time-scale}
     */
    static Simulation parse(String spec, String scale) throws ArgumentError {
        var parts = spec.split(",", -1);
        double spread = 0;
        double noise = 0;
        double drift = 0;
        double step = 0;
        for (var part : Arrays.asList(parts).subList(1, parts.length)) {
            var option = OPTION.matcher(part.strip());
            if (!option.matches()) {
                throw new ArgumentError(
                        "argument --simulate: invalid value: '" + part
                                + "' (behind the server come spread=X, noise=X, drift=X, shares such as 0.02, and step=X, seconds of every step)");
            }
            double share = Double.parseDouble(option.group(2));
            switch (option.group(1)) {
                case "spread" -> spread = share;
                case "noise" -> noise = share;
                case "step" -> step = share;
                default -> drift = share;
            }
        }
        return new Simulation(spec, server(parts[0].strip(), spec), spread, noise, drift, step, timeScale(scale));
    }

    private static ServerSpec server(String text, String spec) throws ArgumentError {
        try {
            return ServerSpec.parse(text);
        } catch (ConfigException unknown) {
            throw new ArgumentError("argument --simulate: invalid value: '" + spec + "' (it is COUNTxGPU, such as"
                    + " 8x4070tis, or a server's YAML file; " + String.join("; ", unknown.problems()) + ")");
        }
    }

    int devices() {
        return server.count();
    }

    /** What the performance model plans a model with. */
    static ModelCard card(Model model) {
        return KnownModels.card(
                model.origin("config.json"),
                model.name(),
                model.read("config.json").orElseThrow());
    }

    /** The instance as decided, for the performance model. */
    Instance instance(EngineArgs args, ModelCard card, int maxModelLen, int sequences, int batchedTokens) {
        var told = VllmArgs.of(
                "--max-model-len", Integer.toString(maxModelLen),
                "--max-num-seqs", Integer.toString(sequences),
                "--max-num-batched-tokens", Integer.toString(batchedTokens),
                "--gpu-memory-utilization", Double.toString(args.memoryUtilization()));
        for (var flag : READ) {
            var value = args.given().get(flag);
            if (value != null && !value.equalsIgnoreCase("none")) {
                told = told.plus("--" + flag.replace('_', '-'), value);
            }
        }
        for (var flag : List.of("enforce_eager", "enable_expert_parallel")) {
            if (args.given().containsKey(flag)) {
                told = told.plus("--" + flag.replace('_', '-'));
            }
        }
        var gpu = server.gpu();
        var sized = new GpuSpec(
                gpu.names(),
                args.deviceMemoryBytes(),
                gpu.bytesPerSecond(),
                gpu.halfFlops(),
                gpu.fp8Flops(),
                gpu.link(),
                gpu.generation(),
                gpu.multiprocessors(),
                gpu.cacheBytes());
        var settings = EngineSettings.of(card, sized, args.version(), told);
        return new Instance(card, settings, sized, server.link(), args.tensorParallel(), args.pipelineParallel());
    }

    /** The devices' time for an instance's passes. */
    StepTimer timer(Instance instance, NanoClock clock) {
        long stepNanos = Math.round(stepSeconds * 1e9);
        var always = new StepTimer.Times(stepNanos, stepNanos / instance.pp());
        StepTimer steady =
                stepNanos > 0 ? _ -> always : new ModelledTimer(new StepTimeModel(instance, Constants.shipped()));
        return spread + noise + drift == 0
                ? steady
                : new UnsteadyTimer(steady, this, clock, ProcessHandle.current().pid() ^ System.nanoTime());
    }

    /** How many devices a {@code --simulate} value has; checks it. */
    public static int devices(String spec, String scale) throws ArgumentError {
        return parse(spec, scale).devices();
    }

    /**
     * Refuses what an engine would refuse.
     *
     * @throws ConfigException saying what is allowed
     */
    public static void check(String spec, String scale) {
        try {
            parse(spec, scale);
        } catch (ArgumentError refused) {
            throw new ConfigException(String.valueOf(refused.getMessage()).replace("argument ", ""));
        }
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
