package bestfit.node;

import java.time.Duration;

/** How long the instances of a deployment may take to start. */
public sealed interface StartLimit {
    /** @param slowest start that went well on this node so far; zero before the first */
    Duration after(Duration slowest);

    record Fixed(Duration limit) implements StartLimit {
        @Override
        public Duration after(Duration slowest) {
            return limit;
        }
    }

    /**
     * For engines that start alike whatever their args, as the embedded ones do: ten times the slowest start so far. The
     * first may take long, for nothing is known of the model and the machine yet.
     */
    record Learned() implements StartLimit {
        static final Duration FIRST = Duration.ofSeconds(60);
        static final Duration LEAST = Duration.ofSeconds(15);
        private static final int TIMES_THE_SLOWEST = 10;

        @Override
        public Duration after(Duration slowest) {
            var learned = slowest.multipliedBy(TIMES_THE_SLOWEST);
            return slowest.isZero() ? FIRST : learned.compareTo(LEAST) < 0 ? LEAST : learned;
        }
    }
}
