package bestfit.perf;

import java.util.ArrayDeque;

/**
 * One instance under a load, step by step in virtual time, with what decides times and nothing else: continuous batching
 * with chunked prefill first come first served as vLLM's V1 scheduler does it (V0: prompts first, or chunked beyond 32,768
 * positions), KV space by tokens, preemption of the latest, one micro-batch a pipeline stage, and one step of delay under
 * asynchronous scheduling. Steps without arrivals, endings or prompts are taken together. The simulate room runs the same
 * load through the engine's own scheduler class; a test holds the two together.
 */
final class Replica {
    /** Share of the KV space that V0 keeps free when it admits (BlockSpaceManager's watermark). */
    private static final double WATERMARK = 0.01;

    private final StepTimeModel steps;
    private final EngineSettings settings;
    private final Requests requests;
    private final MicroBatch[] batches;
    private final ArrayDeque<Integer> arriving = new ArrayDeque<>();
    private final ArrayDeque<Integer> waiting = new ArrayDeque<>();
    private final double[] arrives;
    private final double kvTokens;
    private final double admitted;
    private final double requestSeconds;
    private final double serverSeconds;
    private final double promptTokenSeconds;
    private final Dispatch dispatch;
    private final double networkSeconds;
    private final boolean chunked;
    private final boolean async;
    private final boolean roaming;
    private final double[] stageFree;
    private double serverFree;
    private double entryFree;
    private double lastStart;
    private double used;
    private double allocated;
    private double promised;
    private int running;
    private int together;
    private int sent;
    private int done;
    private double busyEntry;
    private double queuedSeconds;
    private StepTime spent = StepTime.ZERO;

    Replica(
            StepTimeModel steps,
            Constants constants,
            Requests requests,
            double kvTokens,
            int microBatches,
            double networkSeconds) {
        this.networkSeconds = networkSeconds;
        this.steps = steps;
        this.requests = requests;
        this.kvTokens = kvTokens;
        settings = steps.instance().settings();
        admitted = settings.version().v0() ? 1 - WATERMARK : 1;
        requestSeconds = constants.get("cpu.requestMs") * 1e-3;
        serverSeconds = constants.get("cpu.serverMs") * 1e-3;
        promptTokenSeconds = constants.get("cpu.promptTokenUs") * 1e-6;
        dispatch = new Dispatch(steps);
        batches = new MicroBatch[microBatches];
        for (int i = 0; i < batches.length; i++) {
            batches[i] = new MicroBatch(requests.count);
        }
        arrives = new double[requests.count];
        stageFree = new double[microBatches];
        var version = settings.version();
        chunked = !version.v0() || settings.maxModelLen() > 32_768;
        async = version.async() && batches.length == 1;
        // Since 0.9 the next chunk of a prompt enters the pipeline while the one before is in flight.
        roaming = !version.v0() && version.minor() >= 9;
        serverFree = version.v0() && requests.firstOnServer ? constants.get("cpu.v0FirstS") : 0;
    }

    /** Time that the steps took, by part, all together. */
    StepTime spent() {
        return spent;
    }

    /** Mean time that a request waited for a place, seconds. */
    double queued() {
        return queuedSeconds / requests.count;
    }

    /** Share of the time in which the first stage of a pipeline waited. */
    double bubble() {
        double all = requests.lastEnd();
        return batches.length == 1 || all <= 0 ? 0 : Math.max(0, 1 - busyEntry / all);
    }

    /** Sends {@code users} requests at once and each next one when one ends; all by their times if 0. */
    void run(int users) {
        int atOnce = users == 0 ? requests.count : Math.min(users, requests.count);
        while (sent < atOnce) {
            send(requests.sent[sent]);
        }
        for (int turn = 0; done < requests.count; turn = (turn + 1) % batches.length) {
            var batch = batches[turn];
            double now = Math.max(batch.ready, entryFree);
            if (idle()) {
                now = Math.max(now, arrives[arriving.getFirst()]);
            }
            admitArrived(now);
            if (quiet()) {
                now = skip(now, batch);
            }
            if (batch.running > 0 || batch.partial >= 0 || !waiting.isEmpty()) {
                step(batch, now);
            }
        }
    }

    /**
     * The API server's one thread takes requests that come together in turns, so that the engine sees the first of them not
     * before the last: 190 ms for 256 prompts on the recorded H100.
     */
    private void send(double at) {
        requests.sent[sent] = at;
        serverFree = Math.max(serverFree, at) + serverSeconds + requests.input[sent] * promptTokenSeconds;
        together = sent > 0 && requests.sent[sent - 1] >= at ? together + 1 : 1;
        arriving.addLast(sent++);
        for (int i = sent - together; i < sent; i++) {
            arrives[i] = serverFree + requestSeconds;
        }
    }

    private boolean idle() {
        if (!waiting.isEmpty()) {
            return false;
        }
        for (var each : batches) {
            if (each.running > 0 || each.partial >= 0) {
                return false;
            }
        }
        return true;
    }

    /** With asynchronous scheduling the step in preparation no longer takes what arrives now. */
    private void admitArrived(double now) {
        double seen = async && running > 0 ? lastStart : now;
        while (!arriving.isEmpty() && arrives[arriving.getFirst()] <= seen) {
            waiting.addLast(arriving.removeFirst());
        }
    }

    private boolean quiet() {
        if (!waiting.isEmpty() || running == 0) {
            return false;
        }
        for (var each : batches) {
            if (each.partial >= 0) {
                return false;
            }
        }
        return true;
    }

    /** Decode steps in which nothing else happens, all at once. */
    private double skip(double now, MicroBatch next) {
        long most = (long) ((kvTokens - used) / running) - 1;
        for (var each : batches) {
            most = Math.min(most, each.untilEnding() - 1);
        }
        if (most < 2) {
            return now;
        }
        double cycle = cycle(0);
        if (!arriving.isEmpty()) {
            most = Math.min(most, (long) ((arrives[arriving.getFirst()] - now) / cycle));
        }
        if (most < 2) {
            return now;
        }
        cycle = cycle(most / 2.0);
        for (var each : batches) {
            add(each, (double) most);
            each.advance(most);
            each.ready += most * cycle;
        }
        used += (double) running * most;
        allocated += (double) running * most;
        entryFree += most * cycle;
        for (int stage = 1; stage < stageFree.length; stage++) {
            stageFree[stage] += most * cycle;
        }
        lastStart = now + (most - 1) * cycle;
        dispatch.passed(lastStart, now + most * cycle);
        return Math.max(next.ready, entryFree);
    }

    /** Time from one step of a micro-batch to its next, so many steps from now. */
    private double cycle(double ahead) {
        double longest = 0;
        double entries = 0;
        for (var each : batches) {
            if (each.running > 0) {
                var time = steps.of(new Step(0, 0, each.running, each.context + ahead * each.running));
                longest = Math.max(longest, time.seconds());
                entries += time.slowestStage();
            }
        }
        return batches.length == 1 ? longest : Math.max(longest, entries);
    }

    private void add(MicroBatch batch, double times) {
        if (batch.running > 0) {
            add(steps.of(new Step(0, 0, batch.running, batch.context + times / 2 * batch.running)), times);
        }
    }

    private void add(StepTime time, double times) {
        busyEntry += times * time.slowestStage();
        spent = new StepTime(
                spent.weights() + times * time.weights(),
                spent.attention() + times * time.attention(),
                spent.communication() + times * time.communication(),
                spent.cpu() + times * time.cpu(),
                spent.hostMemory() + times * time.hostMemory(),
                0);
    }

    private void step(MicroBatch batch, double start) {
        while (used + batch.running > kvTokens && preempt(batch)) {
            // one leaves
        }
        var prompts = new Prompts(batch, start);
        prompts.collect();
        int decodes = chunked || prompts.tokens == 0 ? batch.running : 0;
        if (decodes == 0 && prompts.tokens == 0) {
            return;
        }
        var time = dispatch.step(
                new Step(prompts.tokens, prompts.pairs, decodes, decodes == 0 ? 0 : batch.context), start);
        add(time, 1);
        double end = pass(time, start);
        lastStart = start;
        batch.ready = end;
        if (decodes > 0) {
            used += decodes;
            allocated += decodes;
            batch.advance(1);
            for (int ended = batch.ended(requests); ended >= 0; ended = batch.ended(requests)) {
                running--;
                finish(ended, end);
            }
        }
        prompts.complete(end);
    }

    /** Through the pipeline, one stage after another: in each a batch waits for the one before. When its results are there. */
    private double pass(StepTime time, double start) {
        if (batches.length == 1) {
            entryFree = start + time.seconds();
            return entryFree;
        }
        entryFree = start + time.slowestStage();
        double at = entryFree;
        double each = Math.max(0, time.seconds() - time.slowestStage()) / (stageFree.length - 1);
        for (int stage = 1; stage < stageFree.length; stage++) {
            at = Math.max(at, stageFree[stage]) + each;
            stageFree[stage] = at;
        }
        return at;
    }

    private boolean preempt(MicroBatch batch) {
        int last = batch.preempt(requests);
        if (last < 0) {
            return false;
        }
        running--;
        requests.computed[last] = requests.prompt[last] - 1;
        requests.safeUntil[last] = allocated + Math.max(0, kvTokens - used);
        used -= requests.prompt[last] - 1.0;
        waiting.addFirst(last);
        return true;
    }

    /**
     * What a request finds of what was computed for it, or for the beginning that it shares. With prefix caching its blocks go to the end of the queue of free
     * ones, its last block first (vLLM's free_block_queue), and are computed again only as far as others took them since.
     */
    private int kept(int request) {
        if (!settings.prefixCache() || requests.computed[request] == 0) {
            return 0;
        }
        double taken = Math.max(0, allocated - requests.safeUntil[request]);
        return (int) Math.clamp(requests.computed[request] - taken, 0, requests.prompt[request] - 1.0);
    }

    /** vLLM takes a prompt that has room; TensorRT-LLM only one whose answer will have room too (GUARANTEED_NO_EVICT). */
    private boolean fits(int request) {
        return settings.version().vllm()
                ? used + requests.prompt[request] <= kvTokens * admitted
                : promised + wholeLength(request) <= kvTokens;
    }

    private double wholeLength(int request) {
        return (double) requests.input[request] + requests.output[request];
    }

    private void finish(int request, double end) {
        requests.end[request] = end;
        promised -= wholeLength(request);
        used -= requests.prompt[request] + (double) requests.left[request];
        done++;
        if (sent < requests.count) {
            send(end + networkSeconds);
        }
    }

    /** The prompts, whole and in part, that a step takes beside its decodes. */
    private final class Prompts {
        private final MicroBatch batch;
        private final MicroBatch holder;
        private final ArrayDeque<Integer> whole = new ArrayDeque<>();
        private double budget;
        private double tokens;
        private double pairs;
        private final double start;

        Prompts(MicroBatch batch, double start) {
            this.start = start;
            this.batch = batch;
            holder = roaming ? batches[0] : batch;
            budget = settings.maxBatchedTokens() - (chunked ? batch.running : 0);
        }

        void collect() {
            if (holder.partial >= 0) {
                take(holder.partial, holder.partialDone);
            }
            while (budget > 0
                    && holder.partial < 0
                    && !waiting.isEmpty()
                    && running + whole.size() < settings.maxSequences()
                    && (fits(waiting.getFirst()) || running + whole.size() == 0)
                    && (chunked || requests.prompt[waiting.getFirst()] <= budget || tokens == 0)) {
                int next = waiting.removeFirst();
                queuedSeconds += Math.max(0, start - arrives[next]);
                int kept = kept(next);
                used += requests.prompt[next];
                allocated += (double) requests.prompt[next] - kept;
                promised += wholeLength(next);
                take(next, kept);
            }
        }

        private void take(int request, int prior) {
            int open = requests.prompt[request] - prior;
            int chunk = (int) Math.min(open, chunked ? Math.max(1, budget) : open);
            tokens += chunk;
            pairs += (double) chunk * prior + chunk * (chunk + 1.0) / 2;
            budget -= chunk;
            if (chunk == open) {
                holder.partial = -1;
                whole.addLast(request);
            } else {
                holder.partial = request;
                holder.partialDone = prior + chunk;
            }
        }

        void complete(double end) {
            for (int request : whole) {
                if (requests.first[request] == 0) {
                    requests.first[request] = end;
                }
                requests.left[request]--;
                if (requests.left[request] <= 0) {
                    finish(request, end);
                } else {
                    running++;
                    batch.join(request, requests.prompt[request], requests.left[request]);
                }
            }
        }
    }
}
