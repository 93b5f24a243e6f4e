package bestfit.scheduler;

import bestfit.scheduler.ScheduledStep.Chunk;
import bestfit.scheduler.ScheduledStep.Entry;
import bestfit.scheduler.SchedulerConfig.Policy;
import bestfit.scheduler.SchedulerConfig.Version;
import bestfit.scheduler.Sequence.Finish;
import bestfit.scheduler.Sequence.State;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * vLLM's V1 scheduler: no prefill or decode phase, every sequence has tokens to catch up with. Running sequences come
 * first, in order of admission; then, if none had to be preempted, waiting ones are admitted until tokens, places or
 * blocks run out.
 */
public final class V1Scheduler implements Scheduler {
    private final SchedulerConfig config;
    /** Decides as vLLM does since 0.32. */
    private final boolean recent;

    private final int watermarkBlocks;
    private final KvSpace space;
    private final Map<String, Sequence> unfinished = new HashMap<>();
    private final List<Sequence> running = new ArrayList<>();
    private final WaitingQueue waiting;
    private final List<Sequence> skipped = new ArrayList<>();
    private long arrivals;
    private long stepNumber;
    private boolean finishedUnreported;

    // The step being made.
    private List<Chunk> chunks = List.of();
    private List<Sequence> preempted = List.of();
    private int budget;
    private int threshold;

    /** @throws IllegalArgumentException if the config is of V0 */
    public V1Scheduler(SchedulerConfig config) {
        if (config.version() == Version.V0) {
            throw new IllegalArgumentException("a V0 config needs the V0 scheduler");
        }
        this.config = config;
        recent = config.version() != Version.V1_0_23;
        watermarkBlocks = recent ? (int) (config.watermark() * config.numBlocks()) : 0;
        space = new KvSpace(config);
        waiting = new WaitingQueue(config.policy());
    }

    @Override
    public void add(Sequence sequence) {
        if (unfinished.putIfAbsent(sequence.id(), sequence) != null) {
            throw new IllegalArgumentException("sequence " + sequence.id() + " is there already");
        }
        sequence.arrival = arrivals++;
        waiting.add(sequence);
    }

    @Override
    public void abort(String id) {
        var sequence = unfinished.get(id);
        if (sequence == null) {
            return;
        }
        leave(sequence);
        sequence.end(Finish.ABORT);
        retire(sequence);
    }

    @Override
    public ScheduledStep schedule() {
        stepNumber++;
        finishedUnreported = false;
        chunks = new ArrayList<>(running.size() + 4);
        preempted = new ArrayList<>(0);
        budget = config.maxNumBatchedTokens();
        boolean lone = running.size() + waiting.size() == 1;
        threshold = config.longPrefillTokenThreshold() > 0 && !(recent && lone)
                ? config.longPrefillTokenThreshold()
                : Integer.MAX_VALUE;
        continueRunning();
        if (preempted.isEmpty()) {
            admitWaiting();
        }
        for (var chunk : chunks) {
            advance(chunk);
        }
        return new ScheduledStep(chunks, preempted, List.of());
    }

    private void advance(Chunk chunk) {
        var sequence = chunk.sequence();
        sequence.computed += chunk.tokens();
        sequence.outstanding++;
        if (chunk.samples() && config.async()) {
            sequence.placeholders++;
            sequence.eligibleStep = stepNumber + config.stages();
        }
    }

    private void continueRunning() {
        int index = 0;
        while (index < running.size() && budget > 0) {
            var sequence = running.get(index);
            int tokens = tokensOf(sequence);
            if (tokens == 0) {
                index++;
                continue;
            }
            while (!space.grow(sequence, sequence.computed + tokens)) {
                var victim = chooseVictim();
                index = preempt(victim, index);
                if (victim == sequence) {
                    break;
                }
            }
            if (sequence.state == State.RUNNING) {
                chunks.add(chunk(sequence, tokens, Entry.RUNNING, 0));
                budget -= tokens;
                index++;
            } else if (config.version() != Version.V1_0_33) {
                return;
            }
        }
    }

    /** Tokens a running sequence computes in this step, 0 if it has to sit out. */
    private int tokensOf(Sequence sequence) {
        if (sequence.placeholders > 0
                && sequence.computed + 2 - sequence.placeholders
                        >= sequence.promptLength() + sequence.limits().maxTokens()) {
            return 0; // an outstanding step samples its last token
        }
        if (stepNumber < sequence.eligibleStep) {
            return 0;
        }
        int tokens = Math.min(sequence.length() + sequence.placeholders - sequence.computed, threshold);
        return Math.max(0, Math.min(Math.min(tokens, budget), config.maxModelLen() - 1 - sequence.computed));
    }

    private Sequence chooseVictim() {
        return config.policy() == Policy.FCFS ? running.getLast() : Collections.max(running, WaitingQueue.PRIORITY);
    }

    /** Takes a running sequence's blocks; returns where the pass over {@code running} now stands. */
    private int preempt(Sequence victim, int index) {
        int place = running.lastIndexOf(victim);
        running.remove(place);
        boolean wasScheduled = false;
        for (int i = chunks.size() - 1; i >= 0; i--) {
            if (chunks.get(i).sequence() == victim) {
                budget += chunks.remove(i).tokens();
                wasScheduled = true;
                break;
            }
        }
        space.release(victim);
        victim.preempted();
        if (recent) {
            victim.placeholders = 0;
        }
        waiting.putBack(victim);
        preempted.add(victim);
        boolean moves = recent ? place < index : wasScheduled;
        return moves ? index - 1 : index;
    }

    private void admitWaiting() {
        while (budget > 0 && running.size() < config.maxNumSeqs()) {
            var sequence = waiting.peek();
            if (sequence == null) {
                break;
            }
            if (recent && sequence.outstanding > 0) {
                skipped.add(waiting.take());
                continue;
            }
            if (!admit(sequence)) {
                break;
            }
        }
        for (int i = skipped.size() - 1; i >= 0; i--) {
            waiting.putBack(skipped.get(i));
        }
        skipped.clear();
    }

    private boolean admit(Sequence sequence) {
        int cached = space.findPrefix(sequence);
        int tokens = Math.min(sequence.length() - cached, threshold);
        if (!config.chunkedPrefill() && tokens > budget) {
            return false;
        }
        tokens = Math.min(tokens, budget);
        int mustFit = config.reserveFullIsl() ? Math.min(sequence.length(), config.maxModelLen()) : 0;
        int keepFree = running.isEmpty() ? 0 : watermarkBlocks;
        if (!space.admit(sequence, cached + tokens, mustFit, keepFree)) {
            return false;
        }
        waiting.take();
        running.add(sequence);
        var entry = sequence.state == State.PREEMPTED ? Entry.RESUMED : Entry.NEW;
        sequence.admitted(cached);
        sequence.computed = cached;
        chunks.add(chunk(sequence, tokens, entry, cached));
        budget -= tokens;
        return true;
    }

    private static Chunk chunk(Sequence sequence, int tokens, Entry entry, int cached) {
        boolean samples = sequence.computed + tokens >= sequence.length() + sequence.placeholders;
        return new Chunk(sequence, sequence.computed, tokens, sequence.blocks(), entry, cached, samples);
    }

    @Override
    public List<Sequence> complete(ScheduledStep step, int[] sampled) {
        var ended = new ArrayList<Sequence>(0);
        for (int i = 0; i < sampled.length; i++) {
            var chunk = step.chunks().get(i);
            var sequence = chunk.sequence();
            sequence.outstanding--;
            if (chunk.samples() && !sequence.isFinished() && take(sequence, sampled[i])) {
                ended.add(sequence);
            }
        }
        return ended;
    }

    /** Appends a sampled token; true if the sequence ends with it. */
    private boolean take(Sequence sequence, int token) {
        sequence.append(token);
        if (sequence.placeholders > 0) {
            sequence.placeholders--;
        }
        if (config.async() && sequence.state == State.RUNNING) {
            space.remember(sequence, sequence.computed - sequence.placeholders);
        }
        var state = sequence.state;
        if (!sequence.endsAfter(token, config.maxModelLen())) {
            return false;
        }
        if (state == State.RUNNING) {
            running.remove(sequence);
        } else {
            waiting.remove(sequence);
        }
        retire(sequence);
        return true;
    }

    private void leave(Sequence sequence) {
        if (sequence.state == State.RUNNING) {
            running.remove(sequence);
        } else {
            waiting.remove(sequence);
        }
    }

    private void retire(Sequence sequence) {
        space.release(sequence);
        unfinished.remove(sequence.id());
        finishedUnreported = true;
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
        return !unfinished.isEmpty() || finishedUnreported;
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
