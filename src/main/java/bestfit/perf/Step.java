package bestfit.perf;

/**
 * What one forward pass computes.
 *
 * @param prefillTokens tokens of prompts
 * @param prefillPairs query-key pairs of those, Σ (q·prior + q(q+1)/2)
 * @param decodes requests that generate one token each
 * @param contextTokens tokens that those attend to, all together
 */
public record Step(double prefillTokens, double prefillPairs, double decodes, double contextTokens) {
    public static Step decode(double requests, double contextOfEach) {
        return new Step(0, 0, requests, requests * contextOfEach);
    }

    /** A chunk of one prompt, {@code prior} tokens of which are computed already, beside decodes. */
    public static Step mixed(double chunk, double prior, double decodes, double contextOfEach) {
        return new Step(chunk, chunk * prior + chunk * (chunk + 1) / 2, decodes, decodes * contextOfEach);
    }

    double tokens() {
        return prefillTokens + decodes;
    }
}
