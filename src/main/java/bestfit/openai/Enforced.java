package bestfit.openai;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The answer that gonka's validators prescribe, so that its log-probabilities under this engine can be compared. */
public sealed interface Enforced {
    /** {@code enforced_str}. */
    record Text(String text) implements Enforced {}

    /** {@code enforced_tokens}: ids as decimal strings, or the tokens' texts. */
    record Tokens(List<String> tokens) implements Enforced {
        public Tokens {
            tokens = List.copyOf(tokens);
        }
    }

    /** Null when the body prescribes nothing; a text wins over tokens. */
    static @Nullable Enforced of(BodyReader body) {
        var text = body.text("enforced_str");
        if (text != null) {
            return new Text(text);
        }
        var node = body.get("enforced_tokens");
        if (node == null) {
            return null;
        }
        var tokens = new ArrayList<String>();
        for (var each : node.path("tokens")) {
            if (!each.path("token").isString()) {
                throw new ApiException(ApiError.badShape(
                        "missing", "body.enforced_tokens.tokens." + tokens.size() + ".token", "Field required"));
            }
            tokens.add(each.path("token").stringValue());
        }
        if (tokens.isEmpty()) {
            throw new ApiException(ApiError.badShape("missing", "body.enforced_tokens.tokens", "Field required"));
        }
        return new Tokens(tokens);
    }
}
