package bestfit.engine;

import bestfit.config.Json;
import bestfit.engine.StepExecutor.Logprobs;
import bestfit.model.Tokenizer;
import bestfit.openai.AnswerFormat;
import bestfit.openai.GenerationRequest;
import bestfit.openai.Prompt;
import bestfit.openai.StreamFormat;
import bestfit.openai.TokenLogprob;
import bestfit.openai.TokenStyle;
import bestfit.scheduler.Sequence.Finish;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** One choice of an answer while its tokens come. Owned by the answer's thread. */
final class ChoiceProgress {
    /** vLLM's stop reason for an answer that goes round in circles. */
    private static final String REPETITION = "repetition_detected";

    private final EngineRequest.Order order;
    private final GenerationRequest request;
    private final Tokenizer tokenizer;
    private final int eosId;
    private final TokenStyle style;
    private final ChoiceText text;
    /** Its ids, where the request wants them. */
    private final List<Integer> tokens = new ArrayList<>();

    private final List<TokenLogprob> logprobs = new ArrayList<>();
    private final TokenNames names;
    private int tokensTaken;
    private int logprobsTaken;
    private boolean endTaken;
    /** Characters of the logprobs' tokens so far, which vLLM counts as the text's. */
    private int textOffset;

    private int count;
    private int cachedTokens;
    private @Nullable List<Logprobs> promptLogprobs;
    private @Nullable String finishReason;
    private @Nullable Object stopReason;

    ChoiceProgress(
            EngineRequest.Order order, GenerationRequest request, Tokenizer tokenizer, int eosId, TokenStyle style) {
        this.style = style;
        this.order = order;
        this.request = request;
        this.tokenizer = tokenizer;
        this.eosId = request.options().ignoreEos() ? -1 : eosId;
        this.names = new TokenNames(tokenizer, style);
        var options = request.options();
        this.text = new ChoiceText(
                tokenizer.stream(options.skipSpecialTokens()), options.stop(), options.includeStopText());
    }

    EngineRequest.Order order() {
        return order;
    }

    boolean ended() {
        return finishReason != null;
    }

    /** Tokens of the prompt that the prefix cache held. */
    int cachedTokens() {
        return cachedTokens;
    }

    /** Tokens generated, those of a stop included. */
    int count() {
        return count;
    }

    /**
     * Takes a token; one after the end is dropped.
     *
     * @return true when this token completed a stop text, so that the core must be told to end the sequence
     */
    boolean accept(TokenEvent.Token token) {
        if (ended()) {
            return false;
        }
        count++;
        cachedTokens = token.cachedTokens();
        if (request.options().returnTokenIds()) {
            tokens.add(token.id());
        }
        if (token.promptLogprobs() != null) {
            promptLogprobs = token.promptLogprobs();
        }
        if (token.logprobs() != null) {
            logprobs.add(logprob(token.logprobs(), names));
        }
        boolean stopToken = token.finish() == Finish.STOP;
        if (stopToken && !request.options().includeStopText()) {
            end("stop", token.id() == eosId ? null : token.id());
            return false;
        }
        var stop = text.add(token.id(), count > order.limits().minTokens());
        if (stop != null) {
            finishReason = "stop";
            stopReason = stop;
            return token.finish() == null;
        }
        if (token.finish() != null) {
            Object reason = token.finish() == Finish.REPETITION
                    ? REPETITION
                    : stopToken && token.id() != eosId ? token.id() : null;
            end(token.finish().name().toLowerCase(Locale.ROOT), reason);
        }
        return false;
    }

    /** Ends it without a further token. */
    void end(Finish finish) {
        if (!ended()) {
            end(finish.name().toLowerCase(Locale.ROOT), null);
        }
    }

    private void end(String reason, @Nullable Object stop) {
        finishReason = reason;
        stopReason = stop;
    }

    /**
     * True at its first token, at its end, and when so many tokens came since the last delta; not once its end is told, though a step that
     * was on its way then may still bring a token.
     */
    boolean isDue(int interval) {
        return !endTaken && (ended() || tokensTaken == 0 || count - tokensTaken >= interval);
    }

    /** What is new since the last call. */
    StreamFormat.Delta takeDelta() {
        int offset = textOffset;
        boolean first = tokensTaken == 0;
        boolean echoes = first && request.echo() && !request.chat();
        var piece = (echoes ? echo() : "") + (request.echoOnly() ? "" : text.take(ended()));
        var options = request.options();
        var newLogprobs =
                options.logprobs() == null ? null : List.copyOf(logprobs.subList(logprobsTaken, logprobs.size()));
        if (newLogprobs != null && echoes) {
            newLogprobs = withPrompt(newLogprobs);
        }
        if (newLogprobs != null) {
            textOffset +=
                    newLogprobs.stream().mapToInt(TokenLogprob::characters).sum();
        }
        var newTokens = options.returnTokenIds() ? List.copyOf(tokens.subList(tokensTaken, tokens.size())) : null;
        tokensTaken = count;
        endTaken = ended();
        logprobsTaken = logprobs.size();
        return new StreamFormat.Delta(
                order.choice(),
                piece,
                finishReason,
                stopReason,
                newLogprobs,
                offset,
                first && (options.returnTokenIds() || echoes) ? promptTokens() : null,
                newTokens);
    }

    /** The prompt's ids. */
    List<Integer> promptTokens() {
        return Arrays.stream(order.prompt()).boxed().toList();
    }

    /** The choice of a whole answer. */
    AnswerFormat.Choice whole() {
        var options = request.options();
        List<TokenLogprob> all = options.logprobs() == null ? null : logprobs;
        if (all != null && request.echo() && !request.chat()) {
            all = withPrompt(all);
        }
        return new AnswerFormat.Choice(
                order.choice(),
                echo() + (request.echoOnly() ? "" : text),
                finishReason == null ? "error" : finishReason,
                stopReason,
                all,
                options.returnTokenIds() ? promptTokens() : null,
                options.returnTokenIds() ? tokens : null,
                order.promptLogprobs() < 0 ? null : promptLogprobs());
    }

    /** What the answer repeats of its prompt: all of it; of a conversation the last turn, if the same one speaks on. */
    String echo() {
        return echo(request, order.choice() / request.options().n(), order.prompt(), tokenizer);
    }

    /**
     * The same for one of a request's prompts.
     *
     * @param tokens it became
     */
    static String echo(GenerationRequest request, int prompt, int[] tokens, Tokenizer tokenizer) {
        if (!request.echo() || (!request.chat() && request.options().returnTokenIds())) {
            return "";
        }
        return switch (request.prompts().get(prompt)) {
            case Prompt.Chat chat -> {
                var last = chat.messages().getLast();
                yield last.role().equals(request.role()) ? last.content() : "";
            }
            case Prompt.Text(var asked) -> asked;
            case Prompt.Tokens _ -> tokenizer.decode(tokens, false);
        };
    }

    private List<TokenLogprob> withPrompt(List<TokenLogprob> generated) {
        var all = new ArrayList<TokenLogprob>();
        var promptNames = new TokenNames(tokenizer, style);
        int first = order.prompt()[0];
        all.add(new TokenLogprob(promptNames.name(first), promptNames.told(first), Double.NaN, List.of()));
        if (promptLogprobs != null) {
            for (var each : promptLogprobs) {
                all.add(logprob(each, promptNames));
            }
        }
        all.addAll(request.echoOnly() ? List.of() : generated);
        return all;
    }

    /**
     * vLLM lists the chosen token first, then the best others: as many as asked for, and for completions one more where the
     * chosen one is not among those.
     */
    private TokenLogprob logprob(Logprobs found, TokenNames names) {
        int token = found.chosen();
        var wanted = request.options().logprobs();
        int asked = wanted == null ? 0 : wanted;
        int limit = request.chat() ? asked : asked + 1;
        var name = names.name(token);
        var told = names.told(token);
        var top = new ArrayList<TokenLogprob.Alternative>();
        top.add(new TokenLogprob.Alternative(name, found.chosenLogprob()));
        for (int i = 0; i < found.ids().length && i < asked; i++) {
            if (found.ids()[i] != token) {
                int id = found.ids()[i];
                top.add(new TokenLogprob.Alternative(names.name(id), found.logprobs()[i]));
            }
        }
        names.pass(token);
        return new TokenLogprob(name, told, found.chosenLogprob(), top.subList(0, Math.min(limit, top.size())));
    }

    private JsonNode promptLogprobs() {
        var list = Json.array();
        list.addNull();
        if (promptLogprobs != null) {
            var promptNames = new TokenNames(tokenizer, style);
            for (var each : promptLogprobs) {
                var entry = list.addObject();
                int chosen = each.chosen();
                entry.set(
                        String.valueOf(chosen),
                        ranked(promptNames.text(chosen), each.chosenLogprob(), each.chosenRank()));
                for (int i = 0; i < each.ids().length; i++) {
                    int id = each.ids()[i];
                    entry.set(String.valueOf(id), ranked(promptNames.text(id), each.logprobs()[i], i + 1));
                }
                promptNames.pass(chosen);
            }
        }
        return list;
    }

    private static JsonNode ranked(String token, double logprob, int rank) {
        return Json.object()
                .put("logprob", AnswerFormat.finite(logprob))
                .put("rank", rank)
                .put("decoded_token", token);
    }
}
