package bestfit.load;

import bestfit.workload.PromptSource;

/**
 * The requests of one run.
 *
 * @param requests how many
 * @param users how many are under way at any time
 * @param firstIndex number of the first request; prompts and measurements count on from it
 * @param block written into every measurement; -1 is warm-up
 */
public record LoadPlan(
        PromptSource prompts, int requests, int users, RequestOptions options, int firstIndex, int block) {
    public LoadPlan {
        if (requests < 1 || users < 1) {
            throw new IllegalArgumentException("A run needs at least one request and one user, not " + requests
                    + " requests and " + users + " users.");
        }
    }

    public LoadPlan(PromptSource prompts, int requests, int users, RequestOptions options) {
        this(prompts, requests, users, options, 0, 0);
    }
}
