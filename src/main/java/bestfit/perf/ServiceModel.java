package bestfit.perf;

/**
 * The steady state of continuous batching in closed form: a request's output tokens pass beside the prompts of those that
 * replace finished ones. With R running requests, i prompt and o output tokens, d the time of a decode step and p what a
 * prompt adds to it, TPOT = d + (R − 1)·p / o and throughput = R / (TPOT·(o − 1) + TTFT) (Little's law). The form is that
 * of aiconfigurator's {@code run_agg}, with a mixed step priced as one product of all its tokens.
 */
public final class ServiceModel {
    private final StepTimeModel steps;
    private final Constants constants;
    private final int instances;
    private final double kvTokens;

    /** @param kvTokens of one instance */
    public ServiceModel(StepTimeModel steps, Constants constants, int instances, double kvTokens) {
        this.steps = steps;
        this.constants = constants;
        this.instances = instances;
        this.kvTokens = kvTokens;
    }

    public Service of(Load load) {
        return load.ratePerSecond() > 0 ? open(load) : spread(load);
    }

    /** Fewer users than instances leave some of those idle. */
    private Service spread(Load load) {
        double busy = Math.min(instances, load.users());
        return closed(load, load.users() / busy, busy);
    }

    /** Open loop: the number in flight is where arrivals and departures balance; above saturation all pile up. */
    private Service open(Load load) {
        double rate = load.ratePerSecond() / instances;
        double most = Math.max(1, Math.min(load.requests() / instances, places(load)));
        double low = 1;
        double high = most;
        for (int i = 0; i < 40; i++) {
            double middle = (low + high) / 2;
            var at = closed(load, middle, instances);
            if (middle / at.latency() < rate) {
                low = middle;
            } else {
                high = middle;
            }
        }
        var service = closed(load, high, instances);
        double sent = load.requests() / load.ratePerSecond();
        double share = Math.min(1, rate * service.latency() / high);
        double window = Math.max(sent, load.requests() / instances / (high / service.latency()))
                + service.latency() * Math.min(1, share);
        double tokens = load.requests() * load.outputTokens() / window;
        return new Service(
                service.ttft(), service.tpot(), service.latency(), tokens, high * instances, service.decode());
    }

    private double places(Load load) {
        double each = load.inputTokens() + load.outputTokens() * 0.6;
        return Math.min(steps.instance().settings().maxSequences(), Math.max(1, kvTokens / each));
    }

    private Service closed(Load load, double users, double busyInstances) {
        double running = Math.min(users, places(load));
        double in = load.inputTokens();
        double out = Math.max(1, load.outputTokens());
        double context = in + out / 2;
        int stages = steps.instance().pp();
        // A micro-batch of each stage is in flight; with fewer requests than stages some are idle.
        var decode = steps.of(Step.decode(Math.max(1, running / stages), context));
        double cycle = stages == 1 || running < stages
                ? decode.seconds()
                : Math.max(decode.seconds(), stages * decode.slowestStage());
        double added = prefill(in, running / stages, context, true);
        double alone = prefill(in, 0, context, false);
        double others = Math.max(0, running - 1);
        var wave = wave(in, running, context, added, alone);
        double requests = Math.max(users, load.requests() / busyInstances);
        double together = Math.min(1, constants.get("service.waves") * users / requests);
        double tpot = cycle + together * wave.stall() / out + (1 - together) * others * added / out;
        double busy = running * added / (out * cycle + running * added);
        double queue = Math.min(alone * busy / (1 - Math.min(busy, 0.95)) / 2, others / 2 * added);
        double steady = alone + (running > 1 ? cycle / 2 : 0) + queue;
        double ttft = constants.get("cpu.requestMs") * 1e-3 + together * wave.first() + (1 - together) * steady;
        double service = ttft + tpot * (out - 1);
        double more = Math.max(0, users / running - 1);
        // Of requests sent at once the last waits for all others; of an endless stream each waits for its place.
        double latency = service * (1 + more * (1 - users / requests / 2));
        double tokens = busyInstances * running * out / service;
        return new Service(latency - tpot * (out - 1), tpot, latency, tokens, running * busyInstances, decode);
    }

    /**
     * Prompts that come all at once.
     *
     * @param first mean time to the first token
     * @param stall mean time of the prompts that come after one's own
     */
    private record Wave(double first, double stall) {}

    private Wave wave(double in, double running, double context, double added, double alone) {
        double budget = steps.instance().settings().maxBatchedTokens();
        if (in * 2 > budget) {
            return new Wave(alone + (running - 1) / 2 * added, (running - 1) / 2 * added);
        }
        double chunk = Math.min(budget, in * running);
        double prompts = chunk / in;
        int stages = steps.instance().pp();
        var time = steps.of(
                new Step(chunk, prompts * in * (in + 1) / 2, running / 2 / stages, running / 2 / stages * context));
        double each = stages > 1 ? time.slowestStage() : time.seconds();
        double chunks = in * running / chunk;
        return new Wave((chunks - 1) / 2 * each + time.seconds(), (chunks - 1) / 2 * each);
    }

    /** Seconds that a prompt takes: the whole chain when alone, or what it adds to steps beside decodes. */
    private double prefill(double tokens, double decodes, double context, boolean marginal) {
        int stages = steps.instance().pp();
        double budget = Math.max(16, steps.instance().settings().maxBatchedTokens() - decodes);
        double seconds = 0;
        for (double done = 0; done < tokens; done += budget) {
            double chunk = Math.min(budget, tokens - done);
            var time = steps.of(Step.mixed(chunk, done, decodes, context));
            // vLLM never has two chunks of one request in flight, so a lone prompt passes every stage chunk by chunk.
            seconds += stages > 1 && marginal ? time.slowestStage() : time.seconds();
            if (marginal) {
                var plain = steps.of(Step.decode(decodes, context));
                seconds -= stages > 1 ? plain.slowestStage() : plain.seconds();
            }
        }
        return seconds;
    }
}
