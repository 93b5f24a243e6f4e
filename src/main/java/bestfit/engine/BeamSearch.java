package bestfit.engine;

import bestfit.engine.StepExecutor.Logprobs;
import bestfit.scheduler.Sequence;
import bestfit.scheduler.Sequence.Finish;
import bestfit.time.NanoClock;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import org.jspecify.annotations.Nullable;

/**
 * vLLM's beam search over one prompt: for each step the core is asked for one token after every beam, as requests of their
 * own, and of all their likely tokens the best go on. Used by one thread.
 */
final class BeamSearch {
    /**
     * A beam.
     *
     * @param tokens the prompt's, then its own; an end that is not to be shown is not among them
     * @param steps what each of its tokens was chosen from, the end too
     * @param logprob of all of them together
     * @param finish null: it ran out of tokens
     */
    record Beam(
            int[] tokens,
            List<Logprobs> steps,
            double logprob,
            @Nullable Finish finish) {
        private Beam extended(int token, Logprobs step, double total) {
            return new Beam(with(tokens, token), with(steps, step), total, null);
        }

        private static int[] with(int[] before, int token) {
            var all = Arrays.copyOf(before, before.length + 1);
            all[before.length] = token;
            return all;
        }

        private static List<Logprobs> with(List<Logprobs> before, Logprobs step) {
            var all = new ArrayList<>(before);
            all.add(step);
            return all;
        }
    }

    /** How it ends other than by itself. */
    static final class Broken extends Exception {
        private static final long serialVersionUID = 1;

        /** False: its client left. */
        final boolean engineDied;

        private Broken(boolean engineDied) {
            this.engineDied = engineDied;
        }
    }

    private record Candidate(double logprob, int token, Beam beam, Logprobs step) {}

    /**
     * What is searched.
     *
     * @param prompt of whose order id, tokens, limit of tokens and sampling count
     * @param width beams that go on
     * @param lengthPenalty exponent of the length that a beam's log-probability is divided by
     * @param eos that ends a beam; -1 for none
     * @param keepsEnd a beam shows the token that ended it
     */
    record Order(EngineRequest.Order prompt, int width, double lengthPenalty, int eos, boolean keepsEnd) {}

    private final EngineCore core;
    private final Order order;
    private final NanoClock clock;
    private final BlockingQueue<TokenEvent> events = new LinkedBlockingQueue<>();
    private final List<Beam> completed = new ArrayList<>();

    BeamSearch(EngineCore core, Order order, NanoClock clock) {
        this.core = core;
        this.order = order;
        this.clock = clock;
    }

    /** Ends it: its client has left. Thread-safe. */
    void leave() {
        events.add(new TokenEvent.Gone());
    }

    /** The best beams, best first. */
    List<Beam> best() throws Broken, InterruptedException {
        var beams = List.of(new Beam(order.prompt.prompt(), List.of(), 0, null));
        for (int step = 0; step < order.prompt.limits().maxTokens() && !beams.isEmpty(); step++) {
            var found = ask(step, beams);
            if (found == null) {
                beams = beams.stream()
                        .map(beam -> new Beam(beam.tokens, beam.steps, beam.logprob, Finish.ABORT))
                        .toList();
                break;
            }
            beams = chosen(beams, found);
        }
        completed.addAll(beams);
        return completed.stream()
                .sorted(Comparator.comparingDouble(this::score).reversed())
                .limit(order.width)
                .toList();
    }

    /** What may follow each beam; null when the engine stops. */
    private Logprobs @Nullable [] ask(int step, List<Beam> beams) throws Broken, InterruptedException {
        var ids = new ArrayList<String>();
        for (int i = 0; i < beams.size(); i++) {
            var one = one(order.prompt.id() + "-" + step + "-beam-" + i, i, beams.get(i));
            ids.add(one.id());
            core.add(new EngineRequest(one, new Siblings(1), TokenSink.of(events), clock.nanoTime()));
        }
        var found = new Logprobs[beams.size()];
        boolean aborted = false;
        for (int open = beams.size(); open > 0; open--) {
            switch (events.take()) {
                case TokenEvent.Token token -> found[token.choice()] = Objects.requireNonNull(token.logprobs());
                case TokenEvent.Ended _ -> aborted = true;
                case TokenEvent.Broken _ -> throw new Broken(true);
                case TokenEvent.Gone _ -> {
                    core.end(ids, Finish.ABORT);
                    throw new Broken(false);
                }
            }
        }
        return aborted ? null : found;
    }

    private EngineRequest.Order one(String id, int choice, Beam beam) {
        var prompt = order.prompt;
        return new EngineRequest.Order(
                id,
                choice,
                beam.tokens,
                new Sequence.Limits(1, 0, prompt.limits().stopTokens()),
                0,
                prompt.sampling(),
                prompt.sampling(),
                new int[0],
                -1,
                null,
                prompt.cacheSalt(),
                null);
    }

    private List<Beam> chosen(List<Beam> beams, Logprobs[] found) {
        var candidates = new ArrayList<Candidate>();
        for (int i = 0; i < found.length; i++) {
            var step = found[i];
            consider(candidates, beams.get(i), step, step.chosen(), step.chosenLogprob());
            for (int other = 0; other < step.ids().length; other++) {
                if (step.ids()[other] != step.chosen()) {
                    consider(candidates, beams.get(i), step, step.ids()[other], step.logprobs()[other]);
                }
            }
        }
        return candidates.stream()
                .sorted(Comparator.comparingDouble(Candidate::logprob).reversed())
                .limit(order.width)
                .map(each -> each.beam.extended(each.token, each.step, each.logprob))
                .toList();
    }

    private void consider(List<Candidate> candidates, Beam beam, Logprobs step, int token, double logprob) {
        double total = beam.logprob + logprob;
        if (token == order.eos) {
            completed.add(new Beam(
                    order.keepsEnd ? Beam.with(beam.tokens, token) : beam.tokens,
                    Beam.with(beam.steps, step),
                    total,
                    Finish.STOP));
        } else {
            candidates.add(new Candidate(total, token, beam, step));
        }
    }

    private double score(Beam beam) {
        int length = beam.tokens.length - (beam.tokens[beam.tokens.length - 1] == order.eos ? 1 : 0);
        return beam.logprob / Math.pow(Math.max(length, 1), order.lengthPenalty);
    }
}
