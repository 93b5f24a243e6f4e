package bestfit.perf;

import bestfit.perf.Load.Lengths;

/** The requests of one instance, as columns; times in seconds of virtual time. Lengths and arrivals are quasi-random, always the same. */
final class Requests {
    private static final double GOLDEN = 0.6180339887498949;
    private static final int BLOCK = 16;
    private static final double SQUARE = 0.7548776662466927;

    final int count;
    final boolean firstOnServer;
    final double[] sent;
    final double[] first;
    final double[] end;
    final int[] input;
    final int[] output;

    /** Prompt tokens still to compute, more than the prompt after a preemption. */
    final int[] prompt;

    /** Tokens still to come. */
    final int[] left;

    /** Tokens that were computed before: of a preempted one, or of a beginning that others have too. */
    final int[] computed;

    /** How many tokens have been given memory, since the start, when the first of its blocks is given to another. */
    final double[] safeUntil;

    Requests(int count, Load load) {
        this.count = count;
        firstOnServer = load.afterStart();
        sent = new double[count];
        first = new double[count];
        end = new double[count];
        input = new int[count];
        output = new int[count];
        for (int i = 0; i < count; i++) {
            input[i] = length(load.inputTokens(), load.lengths(), (i + 0.5) * GOLDEN);
            output[i] = length(load.outputTokens(), load.lengths(), (i + 0.5) * SQUARE);
        }
        prompt = input.clone();
        left = output.clone();
        computed = new int[count];
        safeUntil = new double[count];
        // The first prompt fills the cache for the others.
        for (int i = 1; i < count; i++) {
            computed[i] = (int) Math.min(load.sharedPrefix(), input[i] - 1.0) / BLOCK * BLOCK;
            safeUntil[i] = Double.MAX_VALUE;
        }
    }

    private static int length(double given, Lengths lengths, double at) {
        double place = at - Math.floor(at);
        double share = switch (lengths) {
            case FIXED -> 1;
            case ALIKE -> 0.98 + 0.04 * place;
            case NOMINAL -> 0.8 + 0.2 * place;
            case VARIED -> 0.5 + place;
            case CONVERSATIONS -> -Math.log(1 - place);
        };
        return (int) Math.max(1, Math.round(given * share));
    }

    /** Exponential gaps of the given rate. */
    void sendAt(double ratePerSecond) {
        double at = 0;
        for (int i = 0; i < count; i++) {
            sent[i] = at;
            double place = (i + 0.5) * GOLDEN;
            at -= Math.log(1 - (place - Math.floor(place))) / ratePerSecond;
        }
    }

    double meanTtft() {
        double sum = 0;
        for (int i = 0; i < count; i++) {
            sum += first[i] - sent[i];
        }
        return sum / count;
    }

    double meanLatency() {
        double sum = 0;
        for (int i = 0; i < count; i++) {
            sum += end[i] - sent[i];
        }
        return sum / count;
    }

    double meanTpot() {
        double sum = 0;
        int counted = 0;
        for (int i = 0; i < count; i++) {
            if (output[i] > 1) {
                sum += (end[i] - first[i]) / (output[i] - 1);
                counted++;
            }
        }
        return counted == 0 ? 0 : sum / counted;
    }

    double outputTokens() {
        double sum = 0;
        for (int each : output) {
            sum += each;
        }
        return sum;
    }

    double lastEnd() {
        double last = 0;
        for (double each : end) {
            last = Math.max(last, each);
        }
        return last;
    }
}
