package bestfit.engine;

import bestfit.http.Exchange;
import bestfit.openai.AnswerFormat;
import bestfit.openai.ApiError;
import bestfit.openai.GenerationOptions;
import bestfit.openai.GenerationRequest;
import bestfit.openai.StreamFormat;
import bestfit.openai.Usage;
import bestfit.scheduler.Sequence.Finish;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import org.jspecify.annotations.Nullable;

/** One request from its orders to its answer: whole, on the request's own virtual thread, or a {@link StreamAnswer}. */
final class Generation implements RequestAnswer {
    private final EngineServer.Parts parts;
    private final EngineCore core;
    private final GenerationRequest request;
    private final AnswerHead head;
    private final boolean tellsCache;
    private final List<ChoiceProgress> choices = new ArrayList<>();
    private final BlockingQueue<TokenEvent> events = new LinkedBlockingQueue<>();
    private final int promptTokens;
    private final long cutAfter;
    private int open;

    /**
     * @param unique id in the engine
     * @throws bestfit.openai.ApiException if a prompt does not fit; nothing was started then
     */
    Generation(EngineServer.Parts parts, EngineCore core, GenerationRequest request, AnswerHead head, String unique) {
        this.parts = parts;
        this.core = core;
        this.request = request;
        this.head = head;
        this.tellsCache = parts.config().args().given().containsKey("enable_prompt_tokens_details");
        int eosId = parts.spec().eosIds().isEmpty() ? -1 : parts.spec().eosIds().getFirst();
        var style = TokenNames.style(request, parts.config().args());
        for (var order : parts.orders().make(unique, request)) {
            choices.add(new ChoiceProgress(order, request, parts.tokenizer(), eosId, style));
        }
        this.open = choices.size();
        int prompts = 0;
        for (int i = 0; i < choices.size(); i += request.options().n()) {
            prompts += choices.get(i).order().prompt().length;
        }
        this.promptTokens = prompts;
        this.cutAfter =
                parts.config().args().fault(Fault.Kind.RESET).map(Fault::amount).orElse(Long.MAX_VALUE);
    }

    @Override
    public void begin(Exchange exchange, Runnable onEnd) {
        var stream = request.options().stream();
        TokenSink sink;
        if (stream == null) {
            sink = TokenSink.of(events);
            exchange.onClientGone(() -> events.add(new TokenEvent.Gone()));
        } else {
            sink = StreamAnswer.begin(this, exchange, stream, onEnd);
        }
        long arrivedNanos = parts.clock().at(exchange.receivedNanos());
        int n = request.options().n();
        for (int first = 0; first < choices.size(); first += n) {
            var siblings = new Siblings(n);
            for (var choice : choices.subList(first, first + n)) {
                core.add(new EngineRequest(choice.order(), siblings, sink, arrivedNanos));
            }
        }
    }

    /** A stream answers by itself. */
    @Override
    public void serve(Exchange exchange, Runnable onEnd) throws InterruptedException {
        if (request.options().stream() == null) {
            try {
                answerWhole(exchange);
            } finally {
                onEnd.run();
            }
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
        var frame = head.whole(usage(), cachedTokens());
        exchange.json(200, request.chat() ? AnswerFormat.chat(frame, all) : AnswerFormat.completion(frame, all));
    }

    /** How an event leaves the answer. */
    enum State {
        GOES_ON,
        GONE,
        BROKEN
    }

    /** Takes an event to its choice. */
    State take(TokenEvent event) {
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

    boolean ended() {
        return open == 0;
    }

    GenerationRequest request() {
        return request;
    }

    List<ChoiceProgress> choices() {
        return choices;
    }

    StreamFormat format(GenerationOptions.Stream options) {
        return head.stream(options);
    }

    /** Tokens that a choice gathers before its next event: the greater of the request's wish and the engine's flag. */
    int streamInterval(GenerationOptions.Stream options) {
        return Math.max(options.interval(), parts.config().args().streamInterval());
    }

    /** Of chat, where the request wants it. */
    @Nullable
    String promptText() {
        return head.promptText();
    }

    /** Tokens after which {@code --fault reset} cuts a stream. */
    long cutAfter() {
        return cutAfter;
    }

    /** Gives the KV blocks of what nobody waits for back. */
    void abandon() {
        core.end(choices.stream().map(choice -> choice.order().id()).toList(), Finish.ABORT);
    }

    int completionTokens() {
        int sum = 0; // once a token, so no stream
        for (int i = 0; i < choices.size(); i++) {
            sum += choices.get(i).count();
        }
        return sum;
    }

    @Nullable
    Integer cachedTokens() {
        return tellsCache
                ? choices.stream().mapToInt(ChoiceProgress::cachedTokens).max().orElse(0)
                : null;
    }

    Usage usage() {
        return new Usage(promptTokens, completionTokens());
    }
}
