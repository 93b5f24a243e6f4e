package bestfit.workload;

import bestfit.config.ConfigReader;
import bestfit.metrics.Slo;
import java.time.Duration;
import java.util.Optional;

/**
 * What is sent, when, and what counts as good: one entry of a workload file, for bench, plan and tune alike.
 * docs/workload.md lists the keys; {@link WorkloadReader} reads them.
 *
 * @param endpoint path of chat or text completions
 * @param extent requests are counted by turns
 * @param warmup requests sent before that do not count
 * @param output tokens of each answer; empty takes those that the trace tells
 * @param exactOutput answers have that length ({@code ignore_eos}), else at most that
 * @param turns of each conversation; one turn is a request that stands alone
 * @param thinkTime pause of a user before the next turn
 */
public record Workload(
        String name,
        String endpoint,
        LoadShape load,
        Extent extent,
        int warmup,
        PromptPlan prompt,
        Optional<LengthDistribution> output,
        boolean exactOutput,
        LengthDistribution turns,
        Duration thinkTime,
        Sampling sampling,
        Optional<Slo> slo,
        long seed) {
    public static final String CHAT = "/v1/chat/completions";
    public static final String COMPLETIONS = "/v1/completions";

    /** @see WorkloadReader#read */
    public static Workload read(ConfigReader in) {
        return WorkloadReader.read(in);
    }

    public boolean chat() {
        return endpoint.equals(CHAT);
    }

    /** The same with another load. */
    public Workload with(LoadShape newLoad) {
        return with(newLoad, extent, seed);
    }

    /** The same for another time, or another number of requests. */
    public Workload with(Extent newExtent) {
        return with(load, newExtent, seed);
    }

    /** The same with other prompts and times. */
    public Workload withSeed(long newSeed) {
        return with(load, extent, newSeed);
    }

    private Workload with(LoadShape newLoad, Extent newExtent, long newSeed) {
        return new Workload(
                name,
                endpoint,
                newLoad,
                newExtent,
                warmup,
                prompt,
                output,
                exactOutput,
                turns,
                thinkTime,
                sampling,
                slo,
                newSeed);
    }
}
