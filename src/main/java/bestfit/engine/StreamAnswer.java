package bestfit.engine;

import bestfit.http.Exchange;
import bestfit.openai.ApiError;
import bestfit.openai.GenerationOptions;
import bestfit.openai.StreamFormat;
import bestfit.openai.Usage;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executor;

/**
 * Streams one generation as its tokens come, on the connection's own thread: a step's hundreds of events then go out one
 * after another, in the same order every time, instead of waking a thread each.
 */
final class StreamAnswer implements TokenSink {
    private final Generation generation;
    private final Exchange.BodyStream body;
    private final GenerationOptions.Stream options;
    private final StreamFormat format;
    private final int interval;
    private final Runnable onEnd;
    private final Queue<TokenEvent> events = new ConcurrentLinkedQueue<>();
    private volatile boolean gone;
    // What follows belongs to the executor's thread.
    private final List<ChoiceProgress> touched = new ArrayList<>(1);
    private boolean rolesTold;
    private boolean ended;

    private StreamAnswer(
            Generation generation, Exchange.BodyStream body, GenerationOptions.Stream options, Runnable onEnd) {
        this.generation = generation;
        this.body = body;
        this.options = options;
        this.format = generation.format(options);
        this.interval = generation.streamInterval(options);
        this.onEnd = onEnd;
        this.rolesTold = !generation.request().chat();
    }

    /** Writes the headers at once: the time to the first token is the time to the first event. */
    static StreamAnswer begin(
            Generation generation, Exchange exchange, GenerationOptions.Stream options, Runnable onEnd) {
        var body = exchange.stream(200, Map.of("Content-Type", "text/event-stream; charset=utf-8"));
        var answer = new StreamAnswer(generation, body, options, onEnd);
        body.onWritabilityChange(answer::drain);
        exchange.onClientGone(() -> {
            answer.gone = true;
            body.executor().execute(answer::drain);
        });
        return answer;
    }

    @Override
    public void add(TokenEvent event) {
        events.add(event);
    }

    @Override
    public Executor executor() {
        return body.executor();
    }

    /** Composes what {@link #drain} then writes. */
    @Override
    public void prepare() {
        answer(false);
    }

    /** Writes all that is there in one go: a slow reader gets several tokens in a chunk, as with vLLM. */
    @Override
    public void drain() {
        answer(true);
    }

    private void answer(boolean now) {
        if (gone && !ended) {
            abandon();
        }
        if (ended || !body.isWritable()) {
            return;
        }
        try {
            compose();
            if (now && !ended) {
                send();
            }
        } catch (RuntimeException broken) {
            // Nobody above could tell the client, who must not wait for ever.
            broken.printStackTrace();
            body.abort();
            abandon();
        }
    }

    private void compose() {
        if (events.isEmpty() || generation.ended()) {
            return; // what comes after the end is told to nobody
        }
        for (var event = events.poll(); event != null; event = events.poll()) {
            switch (generation.take(event)) {
                case GONE -> {
                    abandon();
                    return;
                }
                case BROKEN -> {
                    body.write(StreamFormat.error(ApiError.internal(EngineServer.DEAD)));
                    body.write(StreamFormat.DONE);
                    end();
                    return;
                }
                case GOES_ON -> touch(event);
            }
        }
        if (generation.completionTokens() > generation.cutAfter()) {
            body.abort();
            abandon();
            return;
        }
        composeTouched();
    }

    private void send() {
        if (format.length() == 0) {
            return; // tokens are gathered for a later event
        }
        boolean taken = body.write(format.bytes(), format.length());
        format.clear();
        if (!taken) {
            abandon();
        } else if (generation.ended()) {
            end();
        }
    }

    private void touch(TokenEvent event) {
        int index = event instanceof TokenEvent.Token token
                ? token.choice()
                : event instanceof TokenEvent.Ended choice ? choice.choice() : -1;
        if (index >= 0 && !touched.contains(generation.choices().get(index))) {
            touched.add(generation.choices().get(index));
        }
    }

    private void composeTouched() {
        if (!rolesTold) {
            rolesTold = true;
            generation.choices().forEach(this::role);
            generation.choices().forEach(this::echo);
        }
        touched.forEach(this::delta);
        touched.clear();
        if (generation.ended()) {
            if (options.includeUsage()) {
                format.usage(generation.usage(), generation.cachedTokens());
            }
            format.done();
        }
    }

    private void role(ChoiceProgress choice) {
        var request = generation.request();
        format.role(
                request.role(),
                choice.order().choice(),
                options.continuousUsage() ? new Usage(choice.order().prompt().length, 0) : null,
                request.options().returnTokenIds() ? choice.promptTokens() : null,
                generation.promptText());
    }

    private void echo(ChoiceProgress choice) {
        var text = choice.echo();
        if (!text.isEmpty()) {
            var usage = options.continuousUsage() ? new Usage(choice.order().prompt().length, 0) : null;
            format.echo(text, choice.order().choice(), usage);
        }
    }

    private void delta(ChoiceProgress choice) {
        if (!choice.isDue(interval)) {
            return;
        }
        int prompt = choice.order().prompt().length;
        format.delta(choice.takeDelta(), options.continuousUsage() ? new Usage(prompt, choice.count()) : null);
    }

    private void abandon() {
        generation.abandon();
        leave();
    }

    private void end() {
        body.end();
        leave();
    }

    private void leave() {
        ended = true;
        events.clear();
        onEnd.run();
    }
}
