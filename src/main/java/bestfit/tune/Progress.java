package bestfit.tune;

/** Hears what a campaign does, as it does it; called on the campaign's thread. */
@FunctionalInterface
public interface Progress {
    /**
     * A stage begins.
     *
     * @param done deployments finished
     * @param expected deployments in all, as far as is known now
     * @param etaSeconds to the campaign's end
     */
    void stage(int done, int expected, double etaSeconds, String text);
}
