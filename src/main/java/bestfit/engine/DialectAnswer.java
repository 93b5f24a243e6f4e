package bestfit.engine;

import bestfit.http.Exchange;
import bestfit.openai.AnswerDialect;
import bestfit.openai.ApiError;
import bestfit.openai.GenerationRequest;
import bestfit.openai.Usage;
import bestfit.scheduler.Sequence.Finish;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;

/** Answers a conversation in another API's form, on the request's own thread. */
final class DialectAnswer implements RequestAnswer {
    private final EngineServer.Parts parts;
    private final EngineCore core;
    private final GenerationRequest request;
    private final EngineRequest.Order order;
    private final ChoiceProgress choice;
    private final AnswerDialect dialect;
    private final BlockingQueue<TokenEvent> events = new LinkedBlockingQueue<>();
    private boolean gone;
    private boolean broken;

    /** @param order the request's only one */
    DialectAnswer(
            EngineServer.Parts parts,
            EngineCore core,
            GenerationRequest request,
            EngineRequest.Order order,
            AnswerDialect dialect) {
        this.parts = parts;
        this.core = core;
        this.request = request;
        this.order = order;
        this.dialect = dialect;
        var ends = parts.spec().eosIds();
        var style = TokenNames.style(request, parts.config().args());
        this.choice =
                new ChoiceProgress(order, request, parts.tokenizer(), ends.isEmpty() ? -1 : ends.getFirst(), style);
    }

    @Override
    public void begin(Exchange exchange, Runnable onEnd) {
        exchange.onClientGone(() -> events.add(new TokenEvent.Gone()));
        long arrivedNanos = parts.clock().at(exchange.receivedNanos());
        core.add(new EngineRequest(order, new Siblings(1), TokenSink.of(events), arrivedNanos));
    }

    @Override
    public void serve(Exchange exchange, Runnable onEnd) throws InterruptedException {
        try {
            if (request.options().stream() == null) {
                whole(exchange);
            } else {
                stream(exchange.stream(200, Map.of("Content-Type", "text/event-stream; charset=utf-8")));
            }
        } finally {
            onEnd.run();
        }
    }

    private void whole(Exchange exchange) throws InterruptedException {
        while (goesOn()) {
            take(events.take());
        }
        if (broken) {
            exchange.json(500, dialect.error(ApiError.internal(EngineServer.DEAD)));
        } else if (!gone) {
            exchange.json(200, dialect.whole(outcome()));
        }
    }

    private boolean goesOn() {
        return !gone && !broken && !choice.ended();
    }

    private void stream(Exchange.BodyStream body) throws InterruptedException {
        write(body, dialect.opened());
        boolean started = false;
        while (goesOn()) {
            take(events.take());
            for (var event = events.poll(); event != null && goesOn(); event = events.poll()) {
                take(event);
            }
            if (gone || broken) {
                break;
            }
            var next = started ? "" : dialect.started(order.prompt().length);
            started = true;
            if (choice.isDue(1)) {
                next += dialect.delta(choice.takeDelta());
            }
            write(body, next + (choice.ended() ? dialect.ended(outcome()) : ""));
        }
        var last = broken ? dialect.broken(ApiError.internal(EngineServer.DEAD)) : "";
        if (gone || last == null) {
            body.abort();
            return;
        }
        write(body, last);
        body.end();
    }

    private void write(Exchange.BodyStream body, String text) {
        if (!text.isEmpty() && !body.write(text.getBytes(StandardCharsets.UTF_8))) {
            leave();
        }
    }

    private void take(TokenEvent event) {
        switch (event) {
            case TokenEvent.Token token -> {
                if (choice.accept(token)) {
                    core.end(List.of(order.id()), Finish.STOP);
                }
            }
            case TokenEvent.Ended ended -> choice.end(ended.finish());
            case TokenEvent.Broken _ -> broken = true;
            case TokenEvent.Gone _ -> leave();
        }
    }

    private void leave() {
        gone = true;
        core.end(List.of(order.id()), Finish.ABORT);
    }

    private AnswerDialect.Outcome outcome() {
        return new AnswerDialect.Outcome(
                choice.whole(), new Usage(order.prompt().length, choice.count()), choice.cachedTokens());
    }
}
