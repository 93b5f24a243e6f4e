package bestfit.tune;

import bestfit.args.DeploymentConfig;
import bestfit.args.Layout;

/** A config that might win. Equal when model, dtype and args are. */
public record Candidate(DeploymentConfig config, Layout layout) {
    /** Such as {@code TP 2 PP 1 ×1 seqs 4}. */
    public String title() {
        return layout + " " + limits();
    }

    /** Its batch limits, {@code default} when vLLM's own hold. */
    public String limits() {
        var seqs = config.args().value("--max-num-seqs").map(value -> "seqs " + value);
        var tokens = config.args().value("--max-num-batched-tokens").map(value -> "tokens " + value);
        var text = (seqs.orElse("") + " " + tokens.orElse("")).strip();
        return text.isEmpty() ? "default" : text;
    }
}
