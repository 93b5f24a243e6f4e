package bestfit.scheduler;

import bestfit.config.Json;
import bestfit.scheduler.ScheduledStep.Entry;
import bestfit.scheduler.TraceCase.AbortPhase;
import bestfit.scheduler.TraceCase.Request;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/** Drives a V1 scheduler through a traced case as vLLM's engine loop would, with a model that knows every answer. */
final class TraceDrive {
    /** A step on its way, the turn it was made in, and the tokens it will yield. */
    private record Batch(int turn, int[] sampled) {}

    private final TraceCase traced;
    private final Map<String, Request> requests = new LinkedHashMap<>();
    private final Map<String, Sequence> sequences = new LinkedHashMap<>();
    private final Scheduler scheduler;
    private final StepQueue<Batch> queue;
    private final List<String> midAborts = new ArrayList<>();
    private int turn;
    private int arrived;
    private ObjectNode row = Json.object();

    TraceDrive(TraceCase traced) {
        this.traced = traced;
        scheduler = new V1Scheduler(traced.config());
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
        row = emptyRow(number);
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
            scheduled.addArray().add(id).add(chunk.tokens());
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
        return new Batch(turn, sample(step));
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
        row.put("updated", oldest.pending().turn());
        var chunks = oldest.step().chunks();
        var before =
                chunks.stream().mapToInt(chunk -> chunk.sequence().length()).toArray();
        var ended = scheduler.complete(oldest.step(), oldest.pending().sampled());
        for (int i = 0; i < before.length; i++) {
            var sequence = chunks.get(i).sequence();
            if (sequence.length() > before[i]) {
                row.withArray("emitted").add(sequence.id());
            }
        }
        for (var sequence : ended) {
            row.withArray("finished").add(sequence.id());
            row.withArray("reasons").add(String.valueOf(sequence.finish()).toLowerCase(Locale.ROOT));
        }
    }

    private static ObjectNode emptyRow(int step) {
        var row = Json.object();
        row.put("step", step);
        row.putNull("scheduled");
        for (var list : List.of("new", "resumed", "preempted", "emitted", "finished", "reasons", "aborted")) {
            row.putArray(list);
        }
        row.putObject("cached_tokens");
        for (var count : List.of("free_blocks", "running", "waiting", "updated")) {
            row.putNull(count);
        }
        return row;
    }
}
