package bestfit.scheduler;

import bestfit.config.Json;
import bestfit.scheduler.ScheduledStep.Entry;
import bestfit.scheduler.SchedulerConfig.Version;
import bestfit.scheduler.TraceCase.AbortPhase;
import bestfit.scheduler.TraceCase.Request;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/** Drives a scheduler through a traced case as vLLM's engine loop would, with a model that knows every answer. */
final class TraceDrive {
    /** A step on its way, the turn it was made in, and the tokens it will yield. */
    private record Batch(int turn, int[] sampled) {}

    private final TraceCase traced;
    private final Map<String, Request> requests = new LinkedHashMap<>();
    private final Map<String, Sequence> sequences = new LinkedHashMap<>();
    private final boolean v0;
    private final Scheduler scheduler;
    private final StepQueue<Batch> queue;
    private final List<String> midAborts = new ArrayList<>();
    private int turn;
    private int arrived;
    private ObjectNode row = Json.object();

    TraceDrive(TraceCase traced) {
        this.traced = traced;
        v0 = traced.config().version() == Version.V0;
        scheduler = Scheduler.of(traced.config());
        queue = new StepQueue<>(scheduler, traced.config().outstandingSteps(), this::submit);
        for (var request : traced.requests()) {
            requests.put(request.id(), request);
        }
    }

    boolean hasWork() {
        return arrived < requests.size() || queue.hasWork();
    }

    /** Plays a turn of the engine loop; its row, or null if nothing happened. */
    @Nullable
    ObjectNode turn(int number) {
        turn = number;
        row = emptyRow(number, v0);
        for (var request : traced.requests()) {
            if (request.arrivalStep() == turn) {
                var sequence = request.sequence();
                sequences.put(request.id(), sequence);
                scheduler.add(sequence);
                arrived++;
            }
        }
        abortAll(abortsOf(AbortPhase.START));
        boolean works = queue.hasWork();
        if (works) {
            midAborts.addAll(abortsOf(AbortPhase.MID));
            var oldest = queue.turn();
            if (oldest != null) {
                abortAll(midAborts);
                midAborts.clear();
                complete(oldest);
            }
        }
        row.put("free_after", scheduler.freeBlocks());
        row.put("running_after", scheduler.running());
        row.put("waiting_after", scheduler.waiting());
        if (v0) {
            row.put("swapped_after", 0);
        }
        return works || !row.get("aborted").isEmpty() ? row : null;
    }

    private List<String> abortsOf(AbortPhase phase) {
        return traced.requests().stream()
                .filter(request -> request.abortStep() == turn && request.abortPhase() == phase)
                .map(Request::id)
                .toList();
    }

    private void abortAll(List<String> ids) {
        for (var id : ids) {
            var sequence = sequences.get(id);
            if (sequence != null && sequence.finish() == null) {
                scheduler.abort(id);
                row.withArray("aborted").add(id);
            }
        }
    }

    private Batch submit(ScheduledStep step) {
        var scheduled = row.putArray("scheduled");
        for (var chunk : step.chunks()) {
            String id = chunk.sequence().id();
            scheduled.addArray().add(id).add(v0 ? v0Tokens(chunk) : chunk.tokens());
            if (chunk.entry() != Entry.RUNNING) {
                row.withArray(chunk.entry() == Entry.NEW ? "new" : "resumed").add(id);
                ((ObjectNode) row.get("cached_tokens")).put(id, chunk.cachedTokens());
            }
        }
        for (var sequence : step.preempted()) {
            row.withArray("preempted").add(sequence.id());
        }
        row.put("free_blocks", scheduler.freeBlocks());
        row.put("running", scheduler.running());
        row.put("waiting", scheduler.waiting());
        if (v0) {
            addV0(step);
        }
        return new Batch(turn, sample(step));
    }

    private void addV0(ScheduledStep step) {
        var chunks = step.chunks();
        row.put(
                "num_batched_tokens",
                chunks.stream().mapToInt(TraceDrive::v0Tokens).sum());
        row.put("prefills", (int)
                chunks.stream().filter(chunk -> chunk.sequence().prefilling).count());
        row.put("swapped", 0);
        for (var sequence : step.refused()) {
            row.withArray("ignored").add(sequence.id());
        }
    }

    /** As V0 counts them: with cached ones, without those that it takes for computed and are not. */
    private static int v0Tokens(ScheduledStep.Chunk chunk) {
        return chunk.start() + chunk.tokens() - chunk.sequence().computed + chunk.cachedTokens();
    }

    private int[] sample(ScheduledStep step) {
        return step.chunks().stream()
                .mapToInt(chunk -> {
                    var request = requests.get(chunk.sequence().id());
                    return request != null && chunk.samples()
                            ? request.token(chunk.start() + chunk.tokens())
                            : ScheduledStep.NO_TOKEN;
                })
                .toArray();
    }

    private void complete(StepQueue.Outstanding<Batch> oldest) {
        if (!v0) {
            row.put("updated", oldest.pending().turn());
        }
        var chunks = oldest.step().chunks();
        var before =
                chunks.stream().mapToInt(chunk -> chunk.sequence().length()).toArray();
        var ended = scheduler.complete(oldest.step(), oldest.pending().sampled());
        for (int i = 0; i < before.length; i++) {
            var sequence = chunks.get(i).sequence();
            if (!v0 && sequence.length() > before[i]) {
                row.withArray("emitted").add(sequence.id());
            }
        }
        if (scheduler instanceof V0Scheduler later) { // looks at the tokens of the step before
            later.takeAnswered().forEach(sequence -> row.withArray("emitted").add(sequence.id()));
        }
        for (var sequence : ended) {
            row.withArray("finished").add(sequence.id());
            row.withArray("reasons").add(String.valueOf(sequence.finish()).toLowerCase(Locale.ROOT));
        }
    }

    private static ObjectNode emptyRow(int step, boolean v0) {
        var row = Json.object();
        row.put("step", step);
        row.putNull("scheduled");
        for (var list : List.of("new", "resumed", "preempted", "emitted", "finished", "reasons", "aborted")) {
            row.putArray(list);
        }
        row.putObject("cached_tokens");
        for (var count : List.of("free_blocks", "running", "waiting", v0 ? "swapped" : "updated")) {
            row.putNull(count);
        }
        if (v0) {
            row.put("num_batched_tokens", 0).put("prefills", 0);
            List.of("swapped_out", "swapped_in", "ignored").forEach(row::putArray);
        }
        return row;
    }
}
