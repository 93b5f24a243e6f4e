package bestfit.engine;

import bestfit.model.ChatMessage;
import bestfit.model.ModelSpec;
import bestfit.model.Tokenizer;
import bestfit.openai.ApiError;
import bestfit.openai.ApiException;
import bestfit.openai.Enforced;
import bestfit.openai.GenerationOptions;
import bestfit.openai.GenerationRequest;
import bestfit.openai.Prompt;
import bestfit.openai.SamplingDefaults;
import bestfit.openai.SamplingRules;
import bestfit.scheduler.Sequence;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** Turns a request of the API into the sequences that the core generates. Immutable. */
final class OrderMaker {
    /** OpenAI's default for text completions. */
    private static final int COMPLETION_MAX_TOKENS = 16;

    private final Tokenizer tokenizer;
    private final ModelSpec spec;
    private final int maxModelLen;
    private final int maxLogprobs;
    private final boolean processedLogprobs;
    private final AnswerForms forms;
    private final SamplingDefaults defaults;
    /** Bytes. */
    private final int longestToken;

    /**
     * @param maxLogprobs that a request may ask for, -1 for no limit
     * @param processedLogprobs for requests that do not say
     * @param defaults for requests that do not say
     * @param guided requests may say {@code guided_json} and the like
     */
    OrderMaker(
            Tokenizer tokenizer,
            ModelSpec spec,
            int maxModelLen,
            int maxLogprobs,
            boolean processedLogprobs,
            SamplingDefaults defaults,
            boolean guided) {
        this.defaults = defaults;
        this.forms = new AnswerForms(tokenizer, spec, guided);
        this.maxLogprobs = maxLogprobs;
        this.processedLogprobs = processedLogprobs;
        this.longestToken = IntStream.range(0, tokenizer.vocabularySize())
                .map(id -> tokenizer.tokenBytes(id).length)
                .max()
                .orElse(1);
        this.tokenizer = tokenizer;
        this.spec = spec;
        this.maxModelLen = maxModelLen;
    }

    /**
     * One order for each of the n choices of each prompt.
     *
     * @param id of the whole request
     * @throws ApiException if the prompt does not fit
     */
    List<EngineRequest.Order> make(String id, GenerationRequest request) {
        var options = request.options();
        var enforced = enforced(request.enforced());
        boolean processed = request.processedLogprobs() == null ? processedLogprobs : request.processedLogprobs();
        var orders = new ArrayList<EngineRequest.Order>();
        for (var prompt : request.prompts()) {
            var tokens = fitting(prompt, options);
            var limits = limits(tokens.length, request);
            SamplingRules.check(options, limits.maxTokens());
            var form = admitted(options, tokens, prompt);
            var mask = mask(options);
            for (int i = 0; i < options.n(); i++) {
                int choice = orders.size();
                orders.add(new EngineRequest.Order(
                        id + "-" + choice,
                        choice,
                        tokens,
                        limits,
                        options.priority(),
                        SamplingParams.of(options, i, processed, mask),
                        SamplingParams.of(options, i, processed, mask.alsoBanning(limits.stopTokens())),
                        enforced,
                        promptLogprobs(request),
                        form,
                        request.cacheSalt(),
                        repetition(options)));
            }
        }
        return orders;
    }

    /**
     * One order for each prompt, for the tokens of a beam search over it.
     *
     * @param id of the whole request
     * @throws ApiException if the prompt does not fit
     */
    List<EngineRequest.Order> makeBeams(String id, GenerationRequest request) {
        var options = request.options();
        var sampling = SamplingParams.ofBeams(
                options, request.processedLogprobs() == null ? processedLogprobs : request.processedLogprobs());
        var orders = new ArrayList<EngineRequest.Order>();
        for (var prompt : request.prompts()) {
            var tokens = fitting(prompt, options);
            var limits = limits(tokens.length, request);
            if (request.echoOnly()) {
                limits = new Sequence.Limits(0, 0, limits.stopTokens());
            }
            SamplingRules.checkBeamWidth(options.n());
            checkPrompt(tokens, prompt);
            var salt = request.cacheSalt();
            int number = orders.size();
            orders.add(new EngineRequest.Order(
                    id + "-" + number,
                    number,
                    tokens,
                    limits,
                    0,
                    sampling,
                    sampling,
                    new int[0],
                    -1,
                    null,
                    salt,
                    null));
        }
        return orders;
    }

    /**
     * Refuses a search whose steps cannot be made.
     *
     * @throws ApiException 400
     */
    void checkBeams(GenerationRequest request, List<EngineRequest.Order> prompts) {
        if (prompts.stream().anyMatch(each -> each.limits().maxTokens() > 0)) {
            SamplingRules.checkBeamSteps(request.options(), spec.vocabSize(), maxLogprobs);
        }
    }

    /** The prompt's tokens, where the request as a whole can be served. */
    private int[] fitting(Prompt prompt, GenerationOptions options) {
        var limit = options.maxTokens();
        if (limit != null && limit.tokens() > maxModelLen) {
            throw refuse(
                    limit.field() + "=" + limit.tokens() + " cannot be greater than max_model_len=" + maxModelLen
                            + ". Please request fewer output tokens.",
                    limit.field(),
                    limit.tokens());
        }
        return truncated(tokens(prompt), options.truncation());
    }

    private static Sequence.@Nullable Repetition repetition(GenerationOptions options) {
        var asked = options.repetition();
        return asked == null || asked.longest() == 0
                ? null
                : new Sequence.Repetition(asked.longest(), asked.shortest(), asked.count());
    }

    /** What vLLM's engine looks at, not its API: of a stream the head is written by then. */
    private @Nullable AnswerForm admitted(GenerationOptions options, int[] tokens, Prompt prompt) {
        try {
            SamplingRules.checkAdmission(options, spec.vocabSize(), maxLogprobs);
            var form = forms.of(options);
            if (options.steering().limitsThinking()) {
                throw new ApiException(ApiError.badRequest(
                        "thinking_token_budget is set but reasoning_config is not configured. Please set"
                                + " --reasoning-parser and/or --reasoning-config to use thinking_token_budget.",
                        null));
            }
            checkPrompt(tokens, prompt);
            return form;
        } catch (ApiException refused) {
            throw options.stream() == null ? refused : refused.inStream();
        }
    }

    private void checkPrompt(int[] tokens, Prompt prompt) {
        if (tokens.length == 0) {
            throw new ApiException(ApiError.badRequest("The decoder prompt cannot be empty", null));
        }
        if (prompt instanceof Prompt.Tokens) {
            checked(Arrays.stream(tokens).boxed().toList());
        }
    }

    /** For requests that do not say. */
    SamplingDefaults defaults() {
        return defaults;
    }

    /** A prompt that is echoed with log-probabilities has its own, and that of a conversation always; -1 for none. */
    private static int promptLogprobs(GenerationRequest request) {
        var asked = request.options().promptLogprobs();
        var logprobs = request.options().logprobs();
        if (asked != null || !request.echo()) {
            return asked == null ? -1 : asked;
        }
        return logprobs != null ? logprobs : request.chat() ? 0 : -1;
    }

    private int[] truncated(int[] tokens, GenerationOptions.@Nullable Truncation truncation) {
        if (truncation == null) {
            return tokens;
        }
        long wanted = truncation.tokens();
        if (wanted > maxModelLen) {
            throw refuse(
                    "truncate_prompt_tokens=" + wanted + " cannot be greater than max_model_len = " + maxModelLen
                            + ". Please request a smaller truncation size.",
                    "truncate_prompt_tokens",
                    wanted);
        }
        int kept = (int) Math.min(tokens.length, wanted < 0 ? maxModelLen : wanted);
        int from = truncation.keepsFirst() ? 0 : tokens.length - kept;
        return Arrays.copyOfRange(tokens, from, from + kept);
    }

    private TokenMask mask(GenerationOptions options) {
        var steering = options.steering();
        var allowed = steering.allowedTokenIds();
        var runs = new ArrayList<int[]>();
        for (var word : steering.badWords()) {
            var bare = word.stripLeading();
            var first = tokenizer.encode(bare, false);
            // Within a text a word is mostly another token: the one with the blank before.
            var spaced = tokenizer.encode(" " + bare, false);
            runs.add(first);
            if (spaced.length == first.length && spaced[0] != first[0]) {
                runs.add(spaced);
            }
        }
        return new TokenMask(
                new int[0],
                allowed == null
                        ? new int[0]
                        : allowed.stream().mapToInt(Integer::intValue).toArray(),
                runs.stream().filter(run -> run.length > 0).toArray(int[][]::new),
                null);
    }

    private static ApiException refuse(String message, String field, Object value) {
        return new ApiException(ApiError.badValue(message, field, value));
    }

    /** An answer that does not end as this model's do gets its EOS. */
    private int[] enforced(@Nullable Enforced enforced) {
        int[] ids = switch (enforced) {
            case null -> new int[0];
            case Enforced.Text(var text) -> tokenizer.encode(text, false);
            case Enforced.Tokens(var tokens) ->
                checked(tokens.stream().map(this::id).toList());
        };
        int eos = spec.eosIds().isEmpty() ? -1 : spec.eosIds().getFirst();
        if (ids.length == 0 || eos < 0 || ids[ids.length - 1] == eos) {
            return ids;
        }
        var ended = Arrays.copyOf(ids, ids.length + 1);
        ended[ids.length] = eos;
        return ended;
    }

    private int id(String token) {
        if (token.matches("\\d{1,9}")) {
            return Integer.parseInt(token);
        }
        var ids = tokenizer.encode(token, false);
        if (ids.length == 0) {
            throw new ApiException(ApiError.badRequest("enforced token '" + token + "' is empty", "enforced_tokens"));
        }
        return ids[0];
    }

    int[] tokens(Prompt prompt) {
        return switch (prompt) {
            case Prompt.Text(var text) -> {
                checkLength(text.codePointCount(0, text.length()));
                yield cut(tokenizer.encode(text));
            }
            case Prompt.Tokens(var ids) ->
                ids.stream().mapToInt(Integer::intValue).toArray();
            case Prompt.Chat chat -> {
                var text = text(chat);
                checkLength(text.codePointCount(0, text.length()));
                yield cut(tokenizer.encode(text, false));
            }
        };
    }

    /** A conversation as the model reads it. */
    String text(Prompt.Chat chat) {
        if (!tokenizer.hasChatFormat()) {
            throw new ApiException(ApiError.badRequest(
                    "As of transformers v4.44, default chat template is no longer allowed, so you must provide"
                            + " a chat template if the tokenizer does not define one.",
                    null));
        }
        var turns = chat.messages().stream()
                .map(message -> new ChatMessage(message.role(), message.content()))
                .toList();
        var text = tokenizer.chatPrompt(turns, chat.addGenerationPrompt());
        if (!chat.continued()) {
            return text;
        }
        var last = turns.getLast().content().strip();
        return text.substring(0, text.lastIndexOf(last) + last.length());
    }

    /** Refuses what cannot fit before minutes go into cutting it into tokens. */
    private void checkLength(int characters) {
        long most = (long) maxModelLen * longestToken;
        if (characters > most) {
            throw refuse(
                    "This model's maximum context length is " + maxModelLen
                            + " tokens. However, your prompt contains " + characters + " characters (more than " + most
                            + " characters, which is the upper bound for " + maxModelLen
                            + " input tokens). Please reduce the length of the input prompt.",
                    "input_text",
                    characters);
        }
    }

    /** vLLM has its tokenizer stop one token past the limit. */
    private int[] cut(int[] tokens) {
        return tokens.length > maxModelLen ? Arrays.copyOf(tokens, maxModelLen + 1) : tokens;
    }

    private void checkFits(int tokens) {
        if (tokens > maxModelLen) {
            throw refuse(
                    "This model's maximum context length is " + maxModelLen
                            + " tokens. However, your prompt contains "
                            + (tokens == maxModelLen + 1 ? "at least " : "") + tokens
                            + " input tokens, which exceeds this limit even without any output tokens. Please reduce"
                            + " the length of the input prompt.",
                    "input_tokens",
                    tokens);
        }
    }

    private int[] checked(List<Integer> ids) {
        for (int id : ids) {
            if (id < 0 || id >= spec.vocabSize()) {
                throw new ApiException(ApiError.badRequest("Token id " + id + " is out of vocabulary", null));
            }
        }
        return ids.stream().mapToInt(Integer::intValue).toArray();
    }

    /** What was asked for is cut to what the context has left, as vLLM does; less than 1 is refused later. */
    private Sequence.Limits limits(int promptLength, GenerationRequest request) {
        var options = request.options();
        checkFits(promptLength);
        int room = maxModelLen - promptLength;
        var asked = options.maxTokens();
        long usual = defaults.maxTokens() == null ? room : defaults.maxTokens();
        long wanted = asked != null ? asked.tokens() : request.chat() ? usual : COMPLETION_MAX_TOKENS;
        if (defaults.mostTokens() != null) {
            wanted = Math.min(wanted, defaults.mostTokens());
        }
        int maxTokens = request.echoOnly() ? 1 : Math.clamp(wanted, Integer.MIN_VALUE, room);
        return new Sequence.Limits(maxTokens, options.minTokens(), stopTokens(options));
    }

    private int[] stopTokens(GenerationOptions options) {
        var eos =
                options.ignoreEos() ? IntStream.empty() : spec.eosIds().stream().mapToInt(Integer::intValue);
        var own = options.stopTokenIds().stream().mapToInt(Integer::intValue);
        return IntStream.concat(eos, own).distinct().toArray();
    }
}
