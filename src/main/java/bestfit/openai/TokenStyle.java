package bestfit.openai;

/** How logprobs name tokens. */
public enum TokenStyle {
    /** By their text. */
    TEXT,
    /** vLLM's {@code return_tokens_as_token_ids}: {@code token_id:17}. */
    PREFIXED_ID,
    /** gonka's fork of vLLM: {@code 17}. */
    ID
}
