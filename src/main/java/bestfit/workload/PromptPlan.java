package bestfit.workload;

import java.nio.file.Path;

/** What the prompts are. */
public sealed interface PromptPlan {
    /**
     * Different for every request.
     *
     * @param tokens of the part that no two share
     * @param prefixTokens in front of it, shared by all of a group; 0 for none
     * @param prefixes so many groups
     */
    record Generated(LengthDistribution tokens, int prefixTokens, int prefixes) implements PromptPlan {}

    /**
     * From a trace or a file of texts; see {@link TraceFile}.
     *
     * @param repeat begin anew at the end, else no more are sent
     */
    record FromFile(Path file, boolean repeat) implements PromptPlan {}
}
