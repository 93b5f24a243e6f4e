package bestfit.scheduler;

import java.util.ArrayDeque;
import java.util.Comparator;
import java.util.PriorityQueue;
import java.util.Queue;
import org.jspecify.annotations.Nullable;

/** Sequences that wait for admission, in the order of a policy. */
final class WaitingQueue {
    /** Who goes first under the priority policy. */
    static final Comparator<Sequence> PRIORITY =
            Comparator.comparingInt(Sequence::priority).thenComparingLong(sequence -> sequence.arrival);

    private final Queue<Sequence> queue;

    WaitingQueue(SchedulerConfig.Policy policy) {
        queue = switch (policy) {
            case FCFS -> new ArrayDeque<>();
            case PRIORITY -> new PriorityQueue<>(PRIORITY);
        };
    }

    void add(Sequence sequence) {
        queue.add(sequence);
    }

    /** To the head, where the policy has one to choose. */
    void putBack(Sequence sequence) {
        if (queue instanceof ArrayDeque<Sequence> deque) {
            deque.addFirst(sequence);
        } else {
            queue.add(sequence);
        }
    }

    @Nullable
    Sequence peek() {
        return queue.peek();
    }

    Sequence take() {
        return queue.remove();
    }

    void remove(Sequence sequence) {
        queue.remove(sequence);
    }

    int size() {
        return queue.size();
    }

    boolean isEmpty() {
        return queue.isEmpty();
    }
}
