package bestfit.engine;

import bestfit.engine.StepExecutor.Logprobs;
import bestfit.http.Exchange;
import bestfit.openai.AnswerFormat;
import bestfit.openai.ApiError;
import bestfit.openai.ApiException;
import bestfit.openai.GenerationOptions;
import bestfit.openai.GenerationRequest;
import bestfit.openai.StreamFormat;
import bestfit.openai.TokenLogprob;
import bestfit.openai.TokenStyle;
import bestfit.openai.Usage;
import bestfit.scheduler.Sequence.Finish;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Answers a request with beam search, on the request's own thread: a stream, too, has all its text at its end. */
final class BeamAnswer implements RequestAnswer {
    /** A choice, and how many tokens it counts. */
    private record Told(AnswerFormat.Choice choice, int tokens) {}

    private final EngineServer.Parts parts;
    private final GenerationRequest request;
    private final GenerationOptions options;
    private final AnswerHead head;
    private final TokenStyle style;
    private final List<EngineRequest.Order> prompts;
    private final List<BeamSearch> searches = new ArrayList<>();
    /** -1: nothing ends a beam. */
    private final int eos;

    /** @throws ApiException if a prompt does not fit */
    BeamAnswer(EngineServer.Parts parts, EngineCore core, GenerationRequest request, AnswerHead head, String unique) {
        this.parts = parts;
        this.request = request;
        this.options = request.options();
        this.head = head;
        this.style = TokenNames.style(request, parts.config().args());
        this.prompts = parts.orders().makeBeams(unique, request);
        var ends = parts.spec().eosIds();
        this.eos = options.ignoreEos() || ends.isEmpty() ? -1 : ends.getFirst();
        var penalty = options.beamLengthPenalty();
        for (var prompt : prompts) {
            searches.add(new BeamSearch(
                    core,
                    new BeamSearch.Order(
                            prompt, options.n(), penalty == null ? 1 : penalty, eos, options.includeStopText()),
                    parts.clock()));
        }
    }

    @Override
    public void begin(Exchange exchange, Runnable onEnd) {
        exchange.onClientGone(() -> searches.forEach(BeamSearch::leave));
    }

    @Override
    public void serve(Exchange exchange, Runnable onEnd) throws InterruptedException {
        try {
            var stream = options.stream();
            if (stream == null) {
                whole(exchange);
            } else {
                stream(exchange.stream(200, Map.of("Content-Type", "text/event-stream; charset=utf-8")), stream);
            }
        } finally {
            onEnd.run();
        }
    }

    private void whole(Exchange exchange) throws InterruptedException {
        parts.orders().checkBeams(request, prompts);
        try {
            var told = search();
            var frame = head.whole(usage(told), null);
            var choices = told.stream().map(Told::choice).toList();
            exchange.json(
                    200, request.chat() ? AnswerFormat.chat(frame, choices) : AnswerFormat.completion(frame, choices));
        } catch (BeamSearch.Broken broken) {
            if (broken.engineDied) {
                exchange.json(500, ApiError.internal(EngineServer.DEAD).json());
            }
        }
    }

    /** What a step of the search is refused for comes as an event, as there: the answer has begun. */
    private void stream(Exchange.BodyStream body, GenerationOptions.Stream wanted) throws InterruptedException {
        try {
            parts.orders().checkBeams(request, prompts);
            var events = events(search(), wanted);
            body.write(events.bytes(), events.length());
            body.end();
        } catch (ApiException refused) {
            fail(body, refused.error());
        } catch (BeamSearch.Broken broken) {
            if (broken.engineDied) {
                fail(body, ApiError.internal(EngineServer.DEAD));
            }
        }
    }

    private static void fail(Exchange.BodyStream body, ApiError error) {
        body.write(StreamFormat.error(error));
        body.write(StreamFormat.DONE);
        body.end();
    }

    private StreamFormat events(List<Told> told, GenerationOptions.Stream wanted) {
        var format = head.stream(wanted);
        int[] prompt = prompts.getFirst().prompt();
        var before = wanted.continuousUsage() ? new Usage(prompt.length, 0) : null;
        var echo = ChoiceProgress.echo(request, 0, prompt, parts.tokenizer());
        for (int i = 0; i < options.n(); i++) {
            format.role(request.role(), i, before, options.returnTokenIds() ? list(prompt) : null, head.promptText());
        }
        for (int i = 0; i < options.n() && !echo.isEmpty(); i++) {
            format.echo(echo, i, before);
        }
        for (var each : told) {
            var choice = each.choice;
            if (each.tokens > 0) {
                var delta = new StreamFormat.Delta(
                        choice.index(),
                        choice.text().substring(echo.length()),
                        choice.finishReason(),
                        choice.stopReason(),
                        choice.logprobs(),
                        0,
                        null,
                        choice.tokens());
                format.delta(delta, wanted.continuousUsage() ? new Usage(prompt.length, each.tokens) : null);
            }
        }
        if (wanted.includeUsage()) {
            format.usage(usage(told), null);
        }
        format.done();
        return format;
    }

    private Usage usage(List<Told> told) {
        return new Usage(
                prompts.stream().mapToInt(each -> each.prompt().length).sum(),
                told.stream().mapToInt(Told::tokens).sum());
    }

    private List<Told> search() throws BeamSearch.Broken, InterruptedException {
        var told = new ArrayList<Told>();
        for (int i = 0; i < searches.size(); i++) {
            for (var beam : searches.get(i).best()) {
                told.add(told(told.size(), i, beam));
            }
        }
        return told;
    }

    private Told told(int index, int prompt, BeamSearch.Beam beam) {
        int[] asked = prompts.get(prompt).prompt();
        int[] own = Arrays.copyOfRange(beam.tokens(), asked.length, beam.tokens().length);
        boolean showsEnd = own.length > 0 && own[own.length - 1] == eos;
        int[] shown = showsEnd ? Arrays.copyOf(own, own.length - 1) : own;
        var text = request.echoOnly() ? "" : parts.tokenizer().decode(shown, options.skipSpecialTokens());
        var finish = beam.finish() == null ? Finish.LENGTH : beam.finish();
        var choice = new AnswerFormat.Choice(
                index,
                ChoiceProgress.echo(request, prompt, asked, parts.tokenizer()) + text,
                finish.name().toLowerCase(Locale.ROOT),
                finish == Finish.STOP ? eos : null,
                logprobs(own, beam.steps()),
                options.returnTokenIds() ? list(asked) : null,
                options.returnTokenIds() ? list(own) : null,
                null);
        return new Told(choice, own.length);
    }

    private static List<Integer> list(int[] ids) {
        return Arrays.stream(ids).boxed().toList();
    }

    private @Nullable List<TokenLogprob> logprobs(int[] own, List<Logprobs> steps) {
        var wanted = options.logprobs();
        if (wanted == null) {
            return null;
        }
        var all = new ArrayList<TokenLogprob>();
        for (int i = 0; i < own.length; i++) {
            all.add(logprob(own[i], steps.get(i), request.chat() ? wanted : wanted + 1));
        }
        return all;
    }

    /** Alternatives are told as the step had them, whichever of them went on; bytes are told of them alone. */
    private TokenLogprob logprob(int token, Logprobs step, int limit) {
        double own = step.chosenLogprob();
        var top = new ArrayList<TokenLogprob.Alternative>();
        top.add(new TokenLogprob.Alternative(name(step.chosen()), own));
        for (int i = 0; i < step.ids().length; i++) {
            int id = step.ids()[i];
            if (id != step.chosen()) {
                top.add(new TokenLogprob.Alternative(name(id), step.logprobs()[i]));
            }
            own = id == token ? step.logprobs()[i] : own;
        }
        return new TokenLogprob(name(token), null, own, top.subList(0, Math.min(limit, top.size())));
    }

    private String name(int token) {
        return switch (style) {
            case TEXT -> parts.tokenizer().tokenText(token);
            case PREFIXED_ID -> "token_id:" + token;
            case ID -> String.valueOf(token);
        };
    }
}
