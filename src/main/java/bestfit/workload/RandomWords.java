package bestfit.workload;

import java.util.random.RandomGenerator;

/** Random lowercase words, the text of compressa-perf's generated prompts. */
final class RandomWords {
    private static final int LONGEST = 20;

    private RandomWords() {}

    /** Appends words of 1 to 20 letters, each after a blank, until {@code text} has at least so many characters. */
    static void fill(StringBuilder text, int characters, RandomGenerator random) {
        while (text.length() < characters) {
            if (!text.isEmpty()) {
                text.append(' ');
            }
            for (int left = random.nextInt(1, LONGEST + 1); left > 0; left--) {
                text.append((char) ('a' + random.nextInt(26)));
            }
        }
    }

    /** A generator of its own for each index, so that any prompt can be made without those before it. */
    static RandomGenerator forIndex(long seed, int index) {
        var random = new java.util.SplittableRandom(seed * 0x9E3779B97F4A7C15L + index);
        return random.split();
    }
}
