package bestfit.engine;

/** The {@code n} sequences of one prompt, which vLLM counts as one request. The core's thread owns what changes. */
final class Siblings {
    private final int count;
    private int ended;
    private int longest;

    Siblings(int count) {
        this.count = count;
    }

    int count() {
        return count;
    }

    /** Tokens of the longest that has ended. */
    int longest() {
        return longest;
    }

    /**
     * One has ended by itself.
     *
     * @return true for the last one
     */
    boolean end(int generated) {
        longest = Math.max(longest, generated);
        return ++ended == count;
    }
}
