package bestfit.engine;

import bestfit.http.Exchange;
import bestfit.openai.AnswerFormat;
import bestfit.openai.ApiError;
import bestfit.openai.GenerationOptions;
import bestfit.openai.GenerationRequest;
import bestfit.openai.StreamFormat;
import bestfit.openai.TokenStyle;
import bestfit.openai.Usage;
import bestfit.scheduler.Sequence.Finish;
import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import org.jspecify.annotations.Nullable;

/** One request from its orders to its answer, on the request's own virtual thread. */
final class Generation {
    private final EngineServer.Parts parts;
    private final EngineCore core;
    private final GenerationRequest request;
    private final String id;
    private final String model;
    private final String fingerprint;
    private final boolean tellsCache;
    private final List<ChoiceProgress> choices = new ArrayList<>();
    private final BlockingQueue<TokenEvent> events = new LinkedBlockingQueue<>();
    private final long created = System.currentTimeMillis() / 1000;
    private final int promptTokens;
    private int open;

    /** @throws bestfit.openai.ApiException if a prompt does not fit; nothing was started then */
    Generation(EngineServer.Parts parts, EngineCore core, GenerationRequest request, String id) {
        this.parts = parts;
        this.core = core;
        this.request = request;
        this.id = id;
        var named = request.model();
        this.model = named == null || named.isEmpty() ? parts.config().args().servedName() : named;
        this.fingerprint = parts.fingerprint();
        this.tellsCache = parts.config().args().given().containsKey("enable_prompt_tokens_details");
        int eosId = parts.spec().eosIds().isEmpty() ? -1 : parts.spec().eosIds().getFirst();
        var style = style(request, parts.config().args());
        for (var order : parts.orders().make(id, request)) {
            choices.add(new ChoiceProgress(order, request, parts.tokenizer(), eosId, style));
        }
        this.open = choices.size();
        int prompts = 0;
        for (int i = 0; i < choices.size(); i += request.options().n()) {
            prompts += choices.get(i).order().prompt().length;
        }
        this.promptTokens = prompts;
    }

    /** What is prescribed by ids is answered by ids, as gonka's fork does. */
    private static TokenStyle style(GenerationRequest request, EngineArgs args) {
        if (args.gonka() || request.enforced() != null) {
            return TokenStyle.ID;
        }
        return request.tokenStyle() == null ? args.tokenStyle() : request.tokenStyle();
    }

    /** Hands the sequences to the core. */
    void begin(Exchange exchange) {
        exchange.onClientGone(() -> events.add(new TokenEvent.Gone()));
        parts.metrics().requestChoices.add(request.options().n());
        for (var choice : choices) {
            core.add(new EngineRequest(choice.order(), events, parts.clock().at(exchange.receivedNanos())));
        }
    }

    /** Answers; returns when the answer is written or the client has left. */
    void serve(Exchange exchange) throws InterruptedException {
        var stream = request.options().stream();
        if (stream == null) {
            answerWhole(exchange);
        } else {
            answerStream(exchange, stream);
        }
    }

    private void answerWhole(Exchange exchange) throws InterruptedException {
        while (open > 0) {
            switch (take(events.take())) {
                case GONE -> {
                    abandon();
                    return;
                }
                case BROKEN -> {
                    exchange.json(500, ApiError.internal(EngineServer.DEAD).json());
                    return;
                }
                case GOES_ON -> {}
            }
        }
        var all = choices.stream().map(ChoiceProgress::whole).toList();
        var frame = new AnswerFormat.Frame(id, created, model, request.role(), fingerprint, usage(), cachedTokens());
        exchange.json(200, request.chat() ? AnswerFormat.chat(frame, all) : AnswerFormat.completion(frame, all));
    }

    private void answerStream(Exchange exchange, GenerationOptions.Stream options) throws InterruptedException {
        // Headers go out before the prefill: the time to the first token is the time to the first event.
        var body = exchange.stream(
                200, Map.of("Content-Type", "text/event-stream; charset=utf-8", "Cache-Control", "no-cache"));
        var format = new StreamFormat(request.chat(), id, created, model, fingerprint, options.includeUsage());
        var touched = new LinkedHashSet<ChoiceProgress>();
        long cutAfter =
                parts.config().args().fault(Fault.Kind.RESET).map(Fault::amount).orElse(Long.MAX_VALUE);
        boolean begun = false;
        while (open > 0) {
            // All that is there goes into one write: a slow reader gets several tokens in a chunk, as with vLLM.
            for (var event = events.take(); event != null; event = events.poll()) {
                var state = take(event);
                if (event instanceof TokenEvent.Token token) {
                    touched.add(choices.get(token.choice()));
                } else if (event instanceof TokenEvent.Ended ended) {
                    touched.add(choices.get(ended.choice()));
                }
                if (state == State.GONE) {
                    abandon();
                    return;
                }
                if (state == State.BROKEN) {
                    body.write(StreamFormat.error(ApiError.internal(EngineServer.DEAD)));
                    body.write(StreamFormat.DONE);
                    body.end();
                    return;
                }
            }
            if (completionTokens() > cutAfter) {
                body.abort();
                abandon();
                return;
            }
            var out = new ByteArrayOutputStream(1024);
            if (request.chat() && !begun) {
                begun = true;
                choices.forEach(choice -> out.writeBytes(role(format, choice, options)));
            }
            touched.forEach(choice -> out.writeBytes(delta(format, choice, options)));
            touched.clear();
            if (open == 0) {
                if (options.includeUsage()) {
                    out.writeBytes(format.usage(usage(), cachedTokens()));
                }
                out.writeBytes(StreamFormat.DONE);
            }
            if (!body.write(out.toByteArray())) {
                abandon();
                return;
            }
        }
        body.end();
    }

    private byte[] role(StreamFormat format, ChoiceProgress choice, GenerationOptions.Stream options) {
        return format.role(
                request.role(),
                choice.order().choice(),
                options.continuousUsage() ? new Usage(choice.order().prompt().length, 0) : null,
                request.options().returnTokenIds() ? choice.promptTokens() : null);
    }

    private static byte[] delta(StreamFormat format, ChoiceProgress choice, GenerationOptions.Stream options) {
        int prompt = choice.order().prompt().length;
        return format.delta(choice.takeDelta(), options.continuousUsage() ? new Usage(prompt, choice.count()) : null);
    }

    private enum State {
        GOES_ON,
        GONE,
        BROKEN
    }

    private State take(TokenEvent event) {
        return switch (event) {
            case TokenEvent.Token token -> {
                var choice = choices.get(token.choice());
                boolean wasOpen = !choice.ended();
                if (choice.accept(token)) {
                    core.end(List.of(choice.order().id()), Finish.STOP);
                }
                open -= wasOpen && choice.ended() ? 1 : 0;
                yield State.GOES_ON;
            }
            case TokenEvent.Ended ended -> {
                var choice = choices.get(ended.choice());
                open -= choice.ended() ? 0 : 1;
                choice.end(ended.finish());
                yield State.GOES_ON;
            }
            case TokenEvent.Broken _ -> State.BROKEN;
            case TokenEvent.Gone _ -> State.GONE;
        };
    }

    /** Gives the KV blocks of what nobody waits for back. */
    private void abandon() {
        core.end(choices.stream().map(choice -> choice.order().id()).toList(), Finish.ABORT);
    }

    private int completionTokens() {
        return choices.stream().mapToInt(ChoiceProgress::count).sum();
    }

    private @Nullable Integer cachedTokens() {
        return tellsCache
                ? choices.stream().mapToInt(ChoiceProgress::cachedTokens).max().orElse(0)
                : null;
    }

    private Usage usage() {
        return new Usage(promptTokens, completionTokens());
    }
}
