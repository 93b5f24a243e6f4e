package bestfit.scheduler;

import bestfit.scheduler.ScheduledStep.Chunk;
import bestfit.scheduler.ScheduledStep.Entry;
import bestfit.scheduler.SchedulerConfig.Policy;
import bestfit.scheduler.SchedulerConfig.Version;
import bestfit.scheduler.Sequence.Finish;
import bestfit.scheduler.Sequence.State;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The scheduler of vLLM's V0 engine, one sequence a request, preemption by recomputation. Without chunked prefill a
 * step is either whole prompts or decodes, prompts first; with it decodes come first and prompts share what is left.
 *
 * <p>V0's prefix cache takes a block for computed that is not: one that a prompt prefilled in chunks has not reached yet, or
 * one behind a gap that eviction left. There the real engine answers wrongly; here the decisions are the same, and the
 * sequence computes the missing tokens again, beyond what the step counts.
 *
 * <p>With asynchronous output processing a step's tokens are looked at, for an end, only when the next step has been
 * made: a finished sequence runs one decode more.
 */
public final class V0Scheduler implements Scheduler {
    /** Tokens a sequence would compute, and those that come from the prefix cache. */
    private record Need(int uncached, int cached) {}

    /** A step whose tokens are not yet looked at. */
    private record Pending(List<Chunk> chunks, boolean[] seen) {}

    private final SchedulerConfig config;
    private final int promptLimit;
    private final V0Space space;
    private final Map<String, Sequence> unfinished = new HashMap<>();
    private final ArrayDeque<Sequence> waiting = new ArrayDeque<>();
    private final ArrayDeque<Sequence> running = new ArrayDeque<>();
    private final List<Sequence> ended = new ArrayList<>();
    private final List<Sequence> answered = new ArrayList<>();
    private Pending pending = new Pending(List.of(), new boolean[0]);
    private long arrivals;
    private long stepNumber;

    // The step being made.
    private int batchedTokens;
    private int seats;
    private final List<Chunk> admitted = new ArrayList<>();
    private final List<Chunk> prefills = new ArrayList<>();
    private final List<Chunk> decodes = new ArrayList<>();
    private List<Sequence> preempted = List.of();
    private List<Sequence> refused = List.of();

    /** @throws IllegalArgumentException if the config is not of V0 */
    public V0Scheduler(SchedulerConfig config) {
        if (config.version() != Version.V0) {
            throw new IllegalArgumentException("a " + config.version() + " config needs the V1 scheduler");
        }
        this.config = config;
        promptLimit = config.chunkedPrefill()
                ? config.maxModelLen()
                : Math.min(config.maxModelLen(), config.maxNumBatchedTokens());
        space = new V0Space(config);
    }

    @Override
    public void add(Sequence sequence) {
        if (unfinished.putIfAbsent(sequence.id(), sequence) != null) {
            throw new IllegalArgumentException("sequence " + sequence.id() + " is there already");
        }
        sequence.arrival = arrivals++;
        waiting.add(sequence);
    }

    /** True while a sequence of this id is unfinished. */
    boolean holds(String id) {
        return unfinished.containsKey(id);
    }

    @Override
    public void abort(String id) {
        var sequence = unfinished.get(id);
        if (sequence != null) {
            sequence.end(Finish.ABORT);
            waiting.remove(sequence);
            running.remove(sequence);
            retire(sequence);
        }
    }

    @Override
    public ScheduledStep schedule() {
        stepNumber++;
        batchedTokens = 0;
        seats = 0;
        admitted.clear();
        prefills.clear();
        decodes.clear();
        preempted = new ArrayList<>(0);
        refused = new ArrayList<>(0);
        if (config.chunkedPrefill()) {
            scheduleChunked();
        } else {
            schedulePromptsOrDecodes();
        }
        var chunks = new ArrayList<Chunk>(admitted.size() + prefills.size() + decodes.size());
        chunks.addAll(admitted);
        chunks.addAll(prefills);
        chunks.addAll(decodes);
        for (var chunk : chunks) {
            chunk.sequence().lastScheduled = stepNumber;
        }
        space.stepMade();
        return new ScheduledStep(chunks, preempted, refused);
    }

    private void schedulePromptsOrDecodes() {
        seats = running.size();
        admit(null);
        if (admitted.isEmpty()) {
            if (config.policy() == Policy.PRIORITY) {
                preemptForPriority();
            }
            int forced = preempted.size();
            continueRunning(null);
            preempted.subList(forced, preempted.size()).forEach(waiting::addFirst);
        }
        decodes.forEach(chunk -> running.add(chunk.sequence()));
        admitted.forEach(chunk -> running.add(chunk.sequence()));
    }

    private void scheduleChunked() {
        var shares = PrefillShares.of(config, running, waiting);
        continueRunning(shares);
        admit(shares);
        preempted.forEach(waiting::addFirst);
        decodes.forEach(chunk -> running.add(chunk.sequence()));
        // Prefills that end now will decode next, and decodes stand before prefills.
        prefills.stream().filter(Chunk::samples).forEach(chunk -> running.add(chunk.sequence()));
        prefills.stream().filter(chunk -> !chunk.samples()).forEach(chunk -> running.add(chunk.sequence()));
        admitted.forEach(chunk -> running.add(chunk.sequence()));
    }

    private void continueRunning(@Nullable PrefillShares shares) {
        while (!running.isEmpty()) {
            var sequence = running.getFirst();
            int tokens = need(sequence, shares).uncached();
            if (tokens == 0) {
                break;
            }
            running.removeFirst();
            boolean overlong = config.async() && sequence.length() > config.maxModelLen();
            if (overlong || !makeRoom(sequence)) {
                continue; // an overlong one ends when its last token is looked at
            }
            space.append(sequence);
            (sequence.prefilling ? prefills : decodes).add(chunk(sequence, tokens, Entry.RUNNING, 0));
            batchedTokens += tokens;
            seats += shares == null ? 0 : 1;
        }
    }

    /** Preempts from the end of the queue until the sequence can go on; false if it had to go itself. */
    private boolean makeRoom(Sequence sequence) {
        while (!space.canAppend(sequence)) {
            var victim = running.isEmpty() ? sequence : running.removeLast();
            lookAt(victim);
            if (!victim.isFinished()) {
                preempt(victim);
            }
            if (victim == sequence) {
                return false;
            }
        }
        return true;
    }

    private void preempt(Sequence victim) {
        space.release(victim);
        victim.preempted();
        preempted.add(victim);
    }

    /** Makes room for the first of those waiting, if it comes before some that run. */
    private void preemptForPriority() {
        sort(running);
        if (!waiting.isEmpty()) {
            var first = waiting.removeFirst();
            int tokens = need(first, null).uncached();
            while (!first.isFinished()
                    && !running.isEmpty()
                    && WaitingQueue.PRIORITY.compare(running.getLast(), first) > 0) {
                if (tokens > 0 && space.fit(first) == V0Space.Fit.NOW && isWithinLimits(tokens)) {
                    break;
                }
                var victim = running.removeLast();
                seats--;
                preempt(victim);
                waiting.addFirst(victim);
            }
            waiting.addFirst(first);
        }
        sort(waiting);
    }

    private static void sort(ArrayDeque<Sequence> queue) {
        var sorted = new ArrayList<>(queue);
        sorted.sort(WaitingQueue.PRIORITY);
        queue.clear();
        queue.addAll(sorted);
    }

    private void admit(@Nullable PrefillShares shares) {
        if (batchedTokens == config.maxNumBatchedTokens()) {
            return;
        }
        var passedOver = new ArrayDeque<Sequence>();
        while (!waiting.isEmpty()) { // looked at even when tokens have run out: refused, or its cache hit fixed

            var sequence = waiting.getFirst();
            if (sequence.isFinished()) { // ended after it had to make room for priority: here vLLM's engine fails
                waiting.removeFirst();
                continue;
            }
            if (shares != null && !shares.admits(sequence)) {
                passedOver.addFirst(waiting.removeFirst());
                continue;
            }
            var need = need(sequence, shares);
            var fit = space.fit(sequence);
            if (need.uncached() + need.cached() > promptLimit || fit == V0Space.Fit.NEVER) {
                refuse(waiting.removeFirst());
                continue;
            }
            if (fit == V0Space.Fit.LATER || need.uncached() == 0 || !isWithinLimits(need.uncached())) {
                break;
            }
            if (shares != null) {
                shares.started(sequence);
            }
            start(waiting.removeFirst(), need);
        }
        passedOver.forEach(waiting::addFirst);
    }

    private void start(Sequence sequence, Need need) {
        space.allocate(sequence);
        var entry = sequence.state == State.PREEMPTED ? Entry.RESUMED : Entry.NEW;
        sequence.admitted(need.cached());
        sequence.computed = need.cached();
        admitted.add(chunk(sequence, need.uncached(), entry, need.cached()));
        batchedTokens += need.uncached();
        seats++;
    }

    private void refuse(Sequence sequence) {
        sequence.end(Finish.LENGTH);
        retire(sequence);
        refused.add(sequence);
    }

    private boolean isWithinLimits(int tokens) {
        return batchedTokens + tokens <= config.maxNumBatchedTokens() && seats < config.maxNumSeqs();
    }

    private Need need(Sequence sequence, @Nullable PrefillShares shares) {
        int uncached = 1;
        int cached = 0;
        if (sequence.prefilling) {
            cached = Math.max(0, space.cachedTokens(sequence) - sequence.computed);
            uncached = sequence.length() - sequence.computed - cached;
            if (uncached == 0 && cached > 0) { // the last token has to be computed to sample the next
                uncached = 1;
                cached--;
            }
        }
        return new Need(
                shares == null ? uncached : shares.cut(uncached, config.maxNumBatchedTokens() - batchedTokens), cached);
    }

    /** The tokens V0 decided on, and before them those that it takes for computed and are not. */
    private Chunk chunk(Sequence sequence, int tokens, Entry entry, int cached) {
        int end = sequence.computed + tokens;
        int start = space.computedPrefix(sequence);
        space.computes(sequence, end);
        return new Chunk(sequence, start, end - start, sequence.blocks(), entry, cached, end >= sequence.length());
    }

    @Override
    public List<Sequence> complete(ScheduledStep step, int[] sampled) {
        if (config.async()) {
            lookAtAll();
        }
        for (int i = 0; i < sampled.length; i++) {
            advance(step.chunks().get(i), sampled[i]);
        }
        pending = new Pending(step.chunks(), new boolean[step.chunks().size()]);
        if (!config.async() || !hasWork()) {
            lookAtAll();
        }
        var result = new ArrayList<>(ended);
        result.addAll(step.refused());
        ended.clear();
        return result;
    }

    private static void advance(Chunk chunk, int token) {
        var sequence = chunk.sequence();
        if (sequence.isFinished()) {
            return;
        }
        sequence.computed = chunk.start() + chunk.tokens();
        if (sequence.computed == sequence.length()) {
            sequence.prefilling = false;
        }
        if (chunk.samples()) {
            sequence.append(token);
        }
    }

    private void lookAtAll() {
        for (int i = 0; i < pending.seen().length; i++) {
            if (!pending.seen()[i]) {
                lookAt(pending.chunks().get(i));
            }
        }
        pending = new Pending(List.of(), new boolean[0]);
        running.removeIf(Sequence::isFinished);
    }

    /** Looks at one sequence's newest token ahead of the others, before its blocks are taken from it. */
    private void lookAt(Sequence sequence) {
        for (int i = 0; i < pending.seen().length; i++) {
            if (pending.chunks().get(i).sequence() == sequence) {
                pending.seen()[i] = true;
                lookAt(pending.chunks().get(i));
                return;
            }
        }
    }

    private void lookAt(Chunk chunk) {
        var sequence = chunk.sequence();
        if (sequence.isFinished() || !chunk.samples()) {
            return;
        }
        answered.add(sequence);
        // V0 ends a sequence when it exceeds the limit, V1 when it reaches it.
        if (sequence.endsAfter(sequence.token(sequence.length() - 1), config.maxModelLen() + 1)) {
            retire(sequence);
            ended.add(sequence);
        }
    }

    private void retire(Sequence sequence) {
        space.release(sequence);
        unfinished.remove(sequence.id());
    }

    /** Sequences whose token was looked at since the last call, in order. */
    Collection<Sequence> takeAnswered() {
        var taken = List.copyOf(answered);
        answered.clear();
        return taken;
    }

    @Override
    public int running() {
        return running.size();
    }

    @Override
    public int waiting() {
        return waiting.size();
    }

    @Override
    public int freeBlocks() {
        return space.free();
    }

    @Override
    public boolean hasWork() {
        return !waiting.isEmpty() || !running.isEmpty();
    }

    @Override
    public void resetPrefixCache() {
        space.forgetPrefixes();
    }

    @Override
    public double kvUsage() {
        return space.usage();
    }
}
