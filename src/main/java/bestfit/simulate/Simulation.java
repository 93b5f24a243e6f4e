package bestfit.simulate;

import bestfit.metrics.ChunkTimes;
import bestfit.metrics.Measurement;
import bestfit.perf.Case;
import bestfit.perf.Constants;
import bestfit.perf.EngineVersion;
import bestfit.perf.Instance;
import bestfit.perf.MemoryModel;
import bestfit.perf.Step;
import bestfit.perf.StepTimeModel;
import bestfit.scheduler.ScheduledStep;
import bestfit.scheduler.Scheduler;
import bestfit.scheduler.SchedulerConfig;
import bestfit.scheduler.SchedulerConfig.Policy;
import bestfit.scheduler.SchedulerConfig.Version;
import bestfit.scheduler.Sequence;
import bestfit.scheduler.StepQueue;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A closed loop of users against one deployment, without waiting for anything: the engine's own scheduler decides each
 * step, the step-time model says when it ends, and the result is what a real run records. Steps of a pipeline enter when
 * the slowest stage is free again; with asynchronous scheduling the next step is made before the one before is known.
 * Deterministic.
 */
public final class Simulation {
    private static final int BLOCK = 16;
    private static final int TOKEN = 1;
    private static final double NANOS = 1e9;

    private final Case config;
    private final StepTimeModel steps;
    private final Scheduler scheduler;
    private final StepQueue<Long> queue;
    private final Map<String, Request> open = new HashMap<>();
    private final List<Measurement> done = new ArrayList<>();
    private final int[] prompt;
    private long now;
    private long entryFree;

    private static final class Request {
        final int index;
        final long start;
        final long[] tokens;
        int count;

        Request(int index, long start, int most) {
            this.index = index;
            this.start = start;
            this.tokens = new long[most];
        }
    }

    private Simulation(Case config, Constants constants) {
        this.config = config;
        this.steps = new StepTimeModel(config.instance(), constants);
        var schedulerConfig = schedulerConfig(config.instance());
        this.scheduler = Scheduler.of(schedulerConfig);
        this.queue = new StepQueue<>(scheduler, schedulerConfig.outstandingSteps(), this::submit);
        this.prompt = new int[Math.max(1, (int) Math.round(config.load().inputTokens()))];
        Arrays.fill(prompt, TOKEN);
    }

    /**
     * Requests of all instances, in the order they ended; users are spread evenly over the instances.
     *
     * @throws IllegalArgumentException if the model does not fit, or for an open loop
     */
    public static List<Measurement> run(Case config, Constants constants) {
        if (config.load().ratePerSecond() > 0) {
            throw new IllegalArgumentException("an open loop is not simulated");
        }
        var all = new ArrayList<Measurement>();
        int users = (int) Math.max(1, config.load().users());
        int requests = (int) Math.max(users, config.load().requests());
        int instances = Math.min(config.instances(), users);
        for (int i = 0; i < instances; i++) {
            int share = users / instances + (i < users % instances ? 1 : 0);
            int sent = requests / instances + (i < requests % instances ? 1 : 0);
            all.addAll(new Simulation(config, constants).drive(share, Math.max(share, sent)));
        }
        return all;
    }

    private static SchedulerConfig schedulerConfig(Instance on) {
        var memory = MemoryModel.of(on);
        int blocks = (int) (memory.kvTokens().value() / BLOCK);
        if (blocks < 2) {
            throw new IllegalArgumentException("does not fit: " + memory.reason());
        }
        var settings = on.settings();
        EngineVersion version = settings.version();
        var decides = version.v0() ? Version.V0 : Version.ofV1Release("0." + version.minor());
        boolean chunked = !version.v0() || settings.maxModelLen() > 32_768;
        return new SchedulerConfig(
                decides,
                settings.maxSequences(),
                settings.maxBatchedTokens(),
                settings.maxModelLen(),
                BLOCK,
                blocks,
                false,
                chunked,
                0,
                Policy.FCFS,
                version.v0() ? 0.01 : 0,
                true,
                version.async(),
                on.pp(),
                SchedulerConfig.PartialPrefills.ONE);
    }

    private List<Measurement> drive(int users, int requests) {
        int sent = 0;
        while (sent < users) {
            send(sent++);
        }
        while (done.size() < requests && queue.hasWork()) {
            var oldest = queue.turn();
            if (oldest == null) {
                continue;
            }
            now = Math.max(now, oldest.pending());
            for (int ended = finish(oldest.step()); ended > 0; ended--) {
                if (sent < requests) {
                    send(sent++);
                }
            }
        }
        return done;
    }

    private void send(int index) {
        int output = Math.max(1, (int) Math.round(config.load().outputTokens()));
        var id = Integer.toString(index);
        open.put(id, new Request(index, now, output));
        scheduler.add(new Sequence(id, prompt, 0, new Sequence.Limits(output, 0, new int[0])));
    }

    /** When the step's tokens will be there. */
    private long submit(ScheduledStep step) {
        if (step.chunks().isEmpty()) {
            return now;
        }
        var time = steps.of(work(step));
        long start = Math.max(now, entryFree);
        entryFree = start + (long) (time.slowestStage() * NANOS);
        return start + (long) (time.seconds() * NANOS);
    }

    private static Step work(ScheduledStep step) {
        double prefill = 0;
        double pairs = 0;
        double decodes = 0;
        double context = 0;
        for (var chunk : step.chunks()) {
            double tokens = chunk.tokens();
            if (chunk.start() >= chunk.sequence().promptLength() && chunk.tokens() == 1) {
                decodes++;
                context += chunk.start() + 1;
            } else {
                prefill += tokens;
                pairs += tokens * chunk.start() + tokens * (tokens + 1) / 2;
            }
        }
        return new Step(prefill, pairs, decodes, context);
    }

    private int finish(ScheduledStep step) {
        var sampled = new int[step.chunks().size()];
        for (int i = 0; i < sampled.length; i++) {
            var chunk = step.chunks().get(i);
            boolean samples = chunk.samples();
            sampled[i] = samples ? TOKEN : ScheduledStep.NO_TOKEN;
            var request = open.get(chunk.sequence().id());
            if (samples && request != null && request.count < request.tokens.length) {
                request.tokens[request.count++] = now - request.start;
            }
        }
        var ended = scheduler.complete(step, sampled);
        for (var sequence : ended) {
            var request = open.remove(sequence.id());
            if (request != null) {
                done.add(measurement(request, sequence));
            }
        }
        return ended.size();
    }

    private Measurement measurement(Request request, Sequence sequence) {
        long first = request.start + request.tokens[0];
        return new Measurement(
                request.index,
                0,
                request.start,
                request.start,
                request.start,
                first,
                first,
                now,
                now,
                sequence.promptLength(),
                request.count,
                request.count == 0 ? "refused" : null,
                request.start / 1000,
                ChunkTimes.of(request.tokens, request.count));
    }
}
