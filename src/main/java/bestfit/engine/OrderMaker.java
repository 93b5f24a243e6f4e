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
    private final boolean processedLogprobs;
    /** Bytes. */
    private final int longestToken;

    /** Composing characters (NFC) makes a text shorter, by no more than this. */
    private static final int COMPOSITION = 4;

    /** @param processedLogprobs for requests that do not say */
    OrderMaker(Tokenizer tokenizer, ModelSpec spec, int maxModelLen, boolean processedLogprobs) {
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
            var tokens = tokens(prompt);
            var limits = limits(tokens.length, request);
            for (int i = 0; i < options.n(); i++) {
                int choice = orders.size();
                orders.add(new EngineRequest.Order(
                        id + "-" + choice,
                        choice,
                        tokens,
                        limits,
                        options.priority(),
                        sampling(options, i, processed, new int[0]),
                        sampling(options, i, processed, limits.stopTokens()),
                        enforced,
                        request.echo() && options.logprobs() >= 0
                                ? Math.max(options.promptLogprobs(), options.logprobs())
                                : options.promptLogprobs()));
            }
        }
        return orders;
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
                checkLength(text.length());
                yield tokenizer.encode(text);
            }
            case Prompt.Tokens(var ids) -> checked(ids);
            case Prompt.Chat(var messages, var addGenerationPrompt) -> {
                if (!tokenizer.hasChatFormat()) {
                    throw new ApiException(ApiError.badRequest(
                            "As of transformers v4.44, default chat template is no longer allowed, so you must provide"
                                    + " a chat template if the tokenizer does not define one.",
                            null));
                }
                checkLength(messages.stream()
                        .mapToLong(message -> message.content().length())
                        .sum());
                var turns = messages.stream()
                        .map(message -> new ChatMessage(message.role(), message.content()))
                        .toList();
                yield tokenizer.encode(tokenizer.chatPrompt(turns, addGenerationPrompt), false);
            }
        };
    }

    /** Refuses what cannot fit before minutes go into cutting it into tokens. */
    private void checkLength(long characters) {
        long tokens = characters / ((long) longestToken * COMPOSITION);
        if (tokens >= maxModelLen) {
            throw tooLong(tokens);
        }
    }

    private ApiException tooLong(long tokens) {
        return new ApiException(ApiError.badValue(
                "This model's maximum context length is " + maxModelLen
                        + " tokens. However, your prompt contains at least "
                        + tokens
                        + " input tokens, which exceeds this limit even without any output tokens. Please reduce"
                        + " the length of the input prompt.",
                "input_tokens",
                tokens));
    }

    private int[] checked(List<Integer> ids) {
        for (int id : ids) {
            if (id < 0 || id >= spec.vocabSize()) {
                throw new ApiException(ApiError.badRequest("Token id " + id + " is out of vocabulary", "prompt"));
            }
        }
        return ids.stream().mapToInt(Integer::intValue).toArray();
    }

    private Sequence.Limits limits(int promptLength, GenerationRequest request) {
        var options = request.options();
        if (promptLength == 0) {
            throw new ApiException(ApiError.badRequest("The decoder prompt cannot be empty", "prompt"));
        }
        var asked = options.maxTokens();
        if (asked.isPresent() && asked.getAsInt() > maxModelLen) {
            throw new ApiException(ApiError.badValue(
                    "max_tokens=" + asked.getAsInt() + " cannot be greater than max_model_len=" + maxModelLen
                            + ". Please request fewer output tokens.",
                    "max_tokens",
                    asked.getAsInt()));
        }
        if (promptLength >= maxModelLen) {
            throw tooLong(promptLength);
        }
        int room = maxModelLen - promptLength;
        int maxTokens = asked.orElse(request.chat() ? room : Math.min(COMPLETION_MAX_TOKENS, room));
        if (maxTokens > room) {
            throw new ApiException(ApiError.badValue(
                    "This model's maximum context length is " + maxModelLen
                            + " tokens. However, you requested " + maxTokens
                            + " output tokens and your prompt contains " + promptLength
                            + " input tokens, for a total of " + (promptLength + maxTokens)
                            + " tokens. Please reduce the length of the input prompt or the number of requested output"
                            + " tokens.",
                    "input_tokens",
                    promptLength));
        }
        return new Sequence.Limits(maxTokens, options.minTokens(), stopTokens(options));
    }

    private int[] stopTokens(GenerationOptions options) {
        var eos =
                options.ignoreEos() ? IntStream.empty() : spec.eosIds().stream().mapToInt(Integer::intValue);
        var own = options.stopTokenIds().stream().mapToInt(Integer::intValue);
        return IntStream.concat(eos, own).distinct().toArray();
    }

    private static SamplingParams sampling(GenerationOptions options, int choice, boolean processed, int[] banned) {
        return new SamplingParams(
                options.temperature(),
                options.topP(),
                options.topK(),
                options.minP(),
                options.presencePenalty(),
                options.frequencyPenalty(),
                options.repetitionPenalty(),
                seed(options.seed(), choice),
                options.logprobs(),
                options.logitBias(),
                banned,
                -1,
                processed);
    }

    private static @Nullable Long seed(@Nullable Long seed, int choice) {
        return seed == null ? null : seed + choice;
    }
}
