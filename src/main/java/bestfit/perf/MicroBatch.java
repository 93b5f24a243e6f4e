package bestfit.perf;

import java.util.ArrayDeque;
import java.util.PriorityQueue;

/**
 * Requests that decode together: one micro-batch of a pipeline, or everything that runs where there is none. A request's
 * last token comes at a step known when it starts to decode, so that the next to end is the head of a queue.
 */
final class MicroBatch {
    /** A request and the step at which it ends; stale after a preemption. */
    private record Ending(long step, int request) {}

    private final PriorityQueue<Ending> endings = new PriorityQueue<>((a, b) ->
            a.step() != b.step() ? Long.compare(a.step(), b.step()) : Integer.compare(a.request(), b.request()));
    private final ArrayDeque<Integer> joined = new ArrayDeque<>();
    private final long[] endsAt;

    /** When the results of its last step are there. */
    double ready;

    long step;
    int running;
    double context;
    int partial = -1;
    int partialDone;

    MicroBatch(int requests) {
        endsAt = new long[requests];
    }

    void join(int request, int promptTokens, int tokensLeft) {
        running++;
        context += promptTokens + 1.0;
        endsAt[request] = step + tokensLeft;
        endings.add(new Ending(endsAt[request], request));
        joined.addLast(request);
    }

    /** Steps until the next one ends; a large number if nothing runs. */
    long untilEnding() {
        dropStale();
        var next = endings.peek();
        return next == null ? Integer.MAX_VALUE : next.step() - step;
    }

    /** A request that ends with this step, or -1. */
    int ended(Requests requests) {
        dropStale();
        var next = endings.peek();
        if (next == null || next.step() > step) {
            return -1;
        }
        endings.poll();
        endsAt[next.request()] = -1;
        running--;
        context -= requests.prompt[next.request()] + 1.0 + requests.left[next.request()];
        return next.request();
    }

    /** The last to have joined leaves; -1 if it is the only one. */
    int preempt(Requests requests) {
        while (running > 1) {
            int last = joined.removeLast();
            if (endsAt[last] > 0) {
                int still = (int) (endsAt[last] - step);
                int made = requests.left[last] - still;
                running--;
                context -= requests.prompt[last] + 1.0 + made;
                requests.prompt[last] += made + 1;
                requests.left[last] = still;
                endsAt[last] = -1;
                return last;
            }
        }
        return -1;
    }

    private void dropStale() {
        var next = endings.peek();
        while (next != null && endsAt[next.request()] != next.step()) {
            endings.poll();
            next = endings.peek();
        }
    }

    void advance(long steps) {
        step += steps;
        context += (double) running * steps;
    }
}
