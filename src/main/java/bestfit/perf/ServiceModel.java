package bestfit.perf;

/**
 * What a load gets from equal instances: {@link Replica} for one of them, with its share of the users. Immutable.
 */
public final class ServiceModel {
    /** Requests a user sends where the load does not say: benchmarks send ten times their concurrency. */
    private static final int REQUESTS_OF_A_USER = 10;

    private static final int MOST_REQUESTS = 20_000;

    private final StepTimeModel steps;
    private final Constants constants;
    private final int instances;
    private final double kvTokens;
    private final boolean microBatches;

    /**
     * @param kvTokens of one instance
     * @param microBatches one for each stage of a pipeline, as vLLM has; else the stages wait for one another
     */
    public ServiceModel(
            StepTimeModel steps, Constants constants, int instances, double kvTokens, boolean microBatches) {
        this.steps = steps;
        this.microBatches = microBatches;
        this.constants = constants;
        this.instances = instances;
        this.kvTokens = kvTokens;
    }

    public Service of(Load load) {
        boolean open = load.ratePerSecond() > 0;
        double busy = open ? instances : Math.min(instances, Math.max(1, load.users()));
        int users = open ? 0 : (int) Math.max(1, Math.rint(load.users() / busy));
        double all = load.requests() > 0 ? load.requests() : Math.max(1, load.users()) * REQUESTS_OF_A_USER;
        int count = (int) Math.clamp(Math.rint(all / busy), Math.max(1, users), Math.max(users, MOST_REQUESTS));
        var requests = new Requests(count, load);
        if (open) {
            requests.sendAt(load.ratePerSecond() / busy);
        }
        var replica = new Replica(
                steps,
                constants,
                requests,
                kvTokens,
                microBatches ? steps.instance().pp() : 1,
                load.networkSeconds());
        replica.run(users);
        // Shares of users that are no whole number are between two runs.
        double scale = open ? busy : load.users() < 1 ? 1 : load.users() / users;
        double seconds = requests.lastEnd();
        double latency = requests.meanLatency();
        double running = Math.clamp(count / seconds * latency, 1, settings().maxSequences());
        double context = Math.min(load.meanInput() + load.meanOutput() / 2, kvTokens / running);
        return new Service(
                requests.meanTtft() + load.networkSeconds(),
                requests.meanTpot(),
                latency + load.networkSeconds(),
                scale * requests.outputTokens() / seconds,
                scale * count / seconds,
                steps.of(Step.decode(Math.max(1, running / steps.instance().pp()), context)),
                replica.spent(),
                replica.bubble(),
                Math.min(1, replica.queued() / requests.meanTtft()));
    }

    private EngineSettings settings() {
        return steps.instance().settings();
    }
}
