package bestfit.store;

import org.jspecify.annotations.Nullable;

/**
 * A campaign as stored.
 *
 * @param key hash of all that makes two campaigns the same
 * @param spec what was asked for, JSON
 * @param before what ran on the node, JSON; null until it was asked
 * @param workload experiments with their sizes, JSON; null until the probe
 * @param result JSON; null while the campaign is unfinished
 * @param seconds spent over all runs of the command
 */
public record CampaignRow(
        long id,
        String key,
        String spec,
        long createdEpochMillis,
        @Nullable String before,
        @Nullable String workload,
        @Nullable String result,
        double seconds) {
    public boolean finished() {
        return result != null;
    }
}
