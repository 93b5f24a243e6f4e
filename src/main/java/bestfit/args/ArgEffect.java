package bestfit.args;

/** What changing an arg can do to what the model answers. */
public enum ArgEffect {
    /** Other tokens can come out: never varied by a search. */
    CHANGES_ANSWERS,
    /** Same arithmetic in another order: last bits of the logits may move, as they do between any two batches. */
    MAY_MOVE_LAST_BITS,
    /** Only speed and memory change. */
    PERFORMANCE,
    /** Names, ports, logging, parsing of answers: neither answers' tokens nor speed. */
    PLUMBING
}
