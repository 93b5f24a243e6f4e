package bestfit.engine;

import bestfit.grammar.Grammar;
import bestfit.grammar.GrammarException;
import bestfit.grammar.TokenGrammar;
import bestfit.grammar.Vocabulary;
import bestfit.model.ModelSpec;
import bestfit.model.Tokenizer;
import bestfit.openai.ApiError;
import bestfit.openai.ApiException;
import bestfit.openai.Constraint;
import bestfit.openai.GenerationOptions;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** The forms that requests ask for, the last ones kept with what is known of their tokens. Thread-safe. */
final class AnswerForms {
    private static final int MOST_KEPT = 32;

    private final Tokenizer tokenizer;
    private final ModelSpec spec;
    private final boolean guided;
    private final Map<Constraint, TokenGrammar> kept = new LinkedHashMap<>(16, 0.75f, true);
    private @Nullable Vocabulary vocabulary;

    /** @param guided {@link Constraint.Guided} counts */
    AnswerForms(Tokenizer tokenizer, ModelSpec spec, boolean guided) {
        this.tokenizer = tokenizer;
        this.spec = spec;
        this.guided = guided;
    }

    /**
     * The form of a request's answers; null for any.
     *
     * @throws ApiException if it says something wrong, or something that is not supported
     */
    @Nullable
    AnswerForm of(GenerationOptions options) {
        var constraint = options.steering().constraint();
        if (constraint instanceof Constraint.Guided(var inner)) {
            constraint = guided ? inner : null;
        }
        if (constraint == null) {
            return null;
        }
        var ends = spec.eosIds().stream().mapToInt(Integer::intValue);
        var stops = options.stopTokenIds().stream()
                .mapToInt(Integer::intValue)
                .filter(id -> id >= 0 && id < spec.vocabSize());
        return new AnswerForm(
                grammar(constraint), IntStream.concat(ends, stops).distinct().toArray());
    }

    private synchronized TokenGrammar grammar(Constraint constraint) {
        var known = kept.get(constraint);
        if (known != null) {
            return known;
        }
        var grammar = read(constraint);
        if (grammar.isEmpty()) {
            throw new ApiException(ApiError.badRequest("Grammar error: Unsatisfiable schema", null));
        }
        var made = new TokenGrammar(grammar, vocabulary());
        kept.put(constraint, made);
        if (kept.size() > MOST_KEPT) {
            kept.remove(kept.keySet().iterator().next());
        }
        return made;
    }

    private static Grammar read(Constraint constraint) {
        try {
            return switch (constraint) {
                case Constraint.JsonObject() -> Grammar.jsonObject();
                case Constraint.JsonSchema(var schema) -> Grammar.jsonSchema(schema);
                case Constraint.Regex(var pattern) -> Grammar.regex(pattern);
                case Constraint.Choice(var texts) -> Grammar.choice(texts);
                case Constraint.Guided(var inner) -> read(inner);
            };
        } catch (GrammarException wrong) {
            throw new ApiException(ApiError.badRequest("Grammar error: " + wrong.getMessage(), null));
        } catch (StackOverflowError tooDeep) {
            throw new ApiException(ApiError.badRequest("Grammar error: the form is too deep or too long", null));
        }
    }

    /** Built when it is first asked for: most engines never are. Special tokens stand for no text. */
    private Vocabulary vocabulary() {
        if (vocabulary == null) {
            int size = Math.min(tokenizer.vocabularySize(), spec.vocabSize());
            vocabulary = new Vocabulary(IntStream.range(0, size)
                    .mapToObj(id -> tokenizer.isSpecial(id) ? new byte[0] : tokenizer.tokenBytes(id))
                    .toArray(byte[][]::new));
        }
        return vocabulary;
    }
}
