package bestfit.tune;

import bestfit.metrics.Measurement;

/** Hears what a campaign does, as it does it. Stages come on the campaign's thread, requests on another one. */
public interface Progress {
    /**
     * What is done now.
     *
     * @param deployment counts from 1
     * @param expected deployments in all, as far as is known now
     * @param etaSeconds to the campaign's end
     * @param config its title
     * @param what is done, or what became of the trial
     * @param share of the trial that is done, from 0 to 1; at 1 it has ended
     */
    record Stage(int deployment, int expected, double etaSeconds, String config, String what, double share) {
        public boolean ended() {
            return share >= 1;
        }
    }

    void stage(Stage stage);

    /** A request of a block has ended. */
    void request(Measurement measurement);
}
