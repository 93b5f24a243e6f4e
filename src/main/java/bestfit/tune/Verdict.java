package bestfit.tune;

import java.util.Locale;

/** How a campaign ended. */
public enum Verdict {
    /** The best is better than every other, beyond its interval and by at least 2 %. */
    SURE,
    /** The best cannot be told from another one. */
    TIE,
    /** The best is worse than the baseline in one metric, beyond that one's interval and by at least 2 %. */
    TRADE_OFF,
    /** The time given ran out before it was sure. */
    BUDGET,
    /** The user stopped it. */
    STOPPED,
    /** No config could be measured. */
    NONE;

    /** The word in JSON. */
    public String word() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}
