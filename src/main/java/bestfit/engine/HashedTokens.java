package bestfit.engine;

import bestfit.engine.StepExecutor.Logprobs;
import bestfit.engine.StepExecutor.Row;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/**
 * Tokens for simulated devices, which have no transformer: a hash of the token before, its position and a seed chooses the
 * next, so that greedy answers do not depend on what runs beside them, on chunks or on caches. Used by one thread.
 */
final class HashedTokens {
    private static final long GAMMA = 0x9E3779B97F4A7C15L;
    private static final double SMALLEST_TEMPERATURE = 1e-5;
    /** A request may ban all it allows; something has to come. */
    private static final int MOST_TRIES = 10_000;

    private final int[] usable;
    private final long seed;
    private final SplittableRandom random;

    /** @param usable the ids to choose from, not empty */
    HashedTokens(int[] usable, long seed) {
        this.usable = usable.clone();
        this.seed = seed;
        this.random = new SplittableRandom(seed);
    }

    int next(Row row, SamplingParams params) {
        if (params.enforced() >= 0) {
            return params.enforced();
        }
        int last = row.tokens()[row.tokens().length - 1];
        long position = (long) row.start() + row.tokens().length;
        long hash = mix(seed * GAMMA + last) + mix(position);
        if (params.temperature() >= SMALLEST_TEMPERATURE) {
            hash += mix(params.seed() == null ? random.nextLong() : params.seed());
        }
        var mask = params.mask();
        var choices = choices(mask);
        hash = mix(hash + GAMMA);
        int token = choices[(int) Long.remainderUnsigned(hash, choices.length)];
        for (int tries = 0; banned(row, mask, token) && tries < MOST_TRIES; tries++) {
            hash = mix(hash + GAMMA);
            token = choices[(int) Long.remainderUnsigned(hash, choices.length)];
        }
        return token;
    }

    private int[] choices(TokenMask mask) {
        var all = mask.allowed().length > 0 ? mask.allowed() : usable;
        var fitting = mask.fitting();
        if (fitting == null) {
            return all;
        }
        var both = Arrays.stream(all).filter(fitting::get).toArray();
        if (both.length > 0) {
            return both;
        }
        return fitting.isEmpty() ? all : fitting.stream().toArray();
    }

    private static boolean banned(Row row, TokenMask mask, int token) {
        for (int each : mask.banned()) {
            if (each == token) {
                return true;
            }
        }
        var history = row.history() == null ? new int[0] : row.history();
        for (var run : mask.badWords()) {
            if (TokenMask.completed(run, history, row.promptLength()) == token) {
                return true;
            }
        }
        return false;
    }

    /** Half of the probability to the chosen token, half of the rest to the next, and so on. */
    Logprobs logprobs(int chosen, int alternatives) {
        int count = Math.min(alternatives, usable.length);
        var ids = new int[count];
        for (int i = 0; i < count; i++) {
            ids[i] = i == 0 ? chosen : other(chosen, i);
        }
        double half = Math.log(0.5);
        var values = IntStream.range(0, count).mapToDouble(i -> (i + 1) * half).toArray();
        return new Logprobs(chosen, half, 1, ids, values);
    }

    private int other(int chosen, int rank) {
        int at = (int) Long.remainderUnsigned(mix(chosen * GAMMA), usable.length);
        int found = Arrays.binarySearch(usable, chosen);
        // Consecutive places, past the chosen one's.
        int place = (at + rank) % usable.length;
        boolean passed = found >= 0 && Math.floorMod(found - at, usable.length) <= rank;
        return usable[passed ? (place + 1) % usable.length : place];
    }

    /** The finaliser of SplitMix64. */
    private static long mix(long z) {
        long x = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
        x = (x ^ (x >>> 27)) * 0x94D049BB133111EBL;
        return x ^ (x >>> 31);
    }
}
