package bestfit.scheduler;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * A request as the scheduler sees it: prompt tokens, then generated ones. Owned by one scheduler; not thread-safe.
 */
public final class Sequence {
    /**
     * When a sequence ends by itself.
     *
     * @param maxTokens greatest number of generated tokens
     * @param minTokens going round in circles does not count before so many; that nothing ends it before is up to who samples
     * @param stopTokens ids that end it (the EOS id among them unless ignore_eos)
     */
    public record Limits(int maxTokens, int minTokens, int[] stopTokens) {}

    /**
     * When its newest tokens go round in circles.
     *
     * @param longest pattern, in tokens
     * @param shortest at least 1
     * @param count times that a pattern comes in a row, at least 2
     */
    public record Repetition(int longest, int shortest, int count) {}

    /** Why it ended. */
    public enum Finish {
        STOP,
        LENGTH,
        ABORT,
        REPETITION
    }

    enum State {
        WAITING,
        RUNNING,
        PREEMPTED,
        FINISHED
    }

    /** Greater than any block's index, and still a number of tokens when multiplied. */
    static final int NO_BLOCK = 1 << 22;

    private static final int[] NO_BLOCKS = {};
    private static final long[] NO_HASHES = {};

    private final String id;
    private final int promptLength;
    private final int priority;
    private final Limits limits;
    private int[] tokens;
    private int length;
    private @Nullable Finish finish;
    private int cachedTokens;
    private int preemptions;
    private boolean readsPrefixCache = true;
    private @Nullable Repetition repetition;
    private long prefixRoot = PrefixCache.ROOT;

    // What follows is the scheduler's.
    State state = State.WAITING;
    /** Place in the order of arrival. */
    long arrival;
    /** Tokens whose KV entries are computed, or are in an outstanding step. */
    int computed;
    /** Tokens of outstanding steps that are taken into account before they are known (asynchronous scheduling). */
    int placeholders;
    /** Outstanding steps that compute for this sequence. */
    int outstanding;
    /** Number of the first step that may decode it again. */
    long eligibleStep;
    /** Full blocks that the prefix cache knows. */
    int cachedBlocks;

    // V0 only: its allocator keeps more of a sequence.
    /** Not all its tokens were computed since it was admitted. */
    boolean prefilling = true;
    /** Tokens that have a place in its blocks. */
    int slots;
    /** Prefix-cache hit as first looked up, -1 before; V0 does not look again until the blocks are given back. */
    int knownCached = -1;
    /** Its first blocks that are known to hold what they should. */
    int verifiedBlocks;
    /** The first of its newly given blocks that nobody has written yet. */
    int unwrittenBlock = NO_BLOCK;
    /** Number of the last step it was part of, -1 for none since it was admitted. */
    long lastScheduled = -1;

    private int[] blocks = NO_BLOCKS;
    private int blockCount;
    private long[] chain = NO_HASHES;
    private int chainLength;

    /** @param priority lower goes first; used by the priority policy only */
    public Sequence(String id, int[] prompt, int priority, Limits limits) {
        this.id = id;
        this.promptLength = prompt.length;
        this.priority = priority;
        this.limits = limits;
        this.tokens = Arrays.copyOf(prompt, prompt.length + Math.min(limits.maxTokens(), 1024));
        this.length = prompt.length;
    }

    public String id() {
        return id;
    }

    public int promptLength() {
        return promptLength;
    }

    public int priority() {
        return priority;
    }

    public Limits limits() {
        return limits;
    }

    /** Prompt and generated tokens so far. */
    public int length() {
        return length;
    }

    public int generated() {
        return length - promptLength;
    }

    public int token(int index) {
        return tokens[index];
    }

    /** Tokens {@code from … to - 1}. */
    public int[] tokens(int from, int to) {
        return Arrays.copyOfRange(tokens, from, to);
    }

    /** Why it ended, null while it has not. */
    public @Nullable Finish finish() {
        return finish;
    }

    /** Prompt tokens that the prefix cache held when the sequence was first admitted. */
    public int cachedTokens() {
        return cachedTokens;
    }

    /** Shares cached prefixes with those of the same salt only. For before it is added. */
    public Sequence withCacheSalt(String salt) {
        prefixRoot = PrefixCache.extend(PrefixCache.ROOT, salt.chars().toArray(), 0, salt.length());
        return this;
    }

    /** Ends it, too, when it repeats itself after its least number of tokens. For before it is added. */
    public Sequence endingAt(Repetition circles) {
        repetition = circles;
        return this;
    }

    /** Computes its whole prompt even where the prefix cache holds it: for log-probabilities of the prompt. */
    public Sequence withoutPrefixCache() {
        readsPrefixCache = false;
        return this;
    }

    public boolean readsPrefixCache() {
        return readsPrefixCache;
    }

    /** How often it lost its KV blocks. */
    public int preemptions() {
        return preemptions;
    }

    void append(int token) {
        if (length == tokens.length) {
            tokens = Arrays.copyOf(tokens, length + length / 2 + 16);
        }
        tokens[length++] = token;
    }

    /** Ends it, unless it goes on after this newest token. */
    boolean endsAfter(int token, int maxLength) {
        for (int stop : limits.stopTokens()) {
            if (stop == token) {
                return end(Finish.STOP);
            }
        }
        if (generated() >= limits.maxTokens() || length >= maxLength) {
            return end(Finish.LENGTH);
        }
        return repetition != null && generated() >= limits.minTokens() && repeats(repetition) && end(Finish.REPETITION);
    }

    private boolean repeats(Repetition circles) {
        for (int size = circles.shortest; size <= circles.longest; size++) {
            if ((long) size * circles.count > generated()) {
                return false;
            }
            int from = length - size * circles.count;
            if (Arrays.equals(tokens, from, length - size, tokens, from + size, length)) {
                return true;
            }
        }
        return false;
    }

    boolean end(Finish reason) {
        finish = reason;
        state = State.FINISHED;
        return true;
    }

    boolean isFinished() {
        return state == State.FINISHED;
    }

    void admitted(int cached) {
        if (state == State.WAITING) {
            cachedTokens = cached;
        }
        state = State.RUNNING;
    }

    void preempted() {
        state = State.PREEMPTED;
        computed = 0;
        prefilling = true;
        preemptions++;
    }

    int[] allTokens() {
        return tokens;
    }

    /** Its KV blocks in order; only the first {@link #blockCount()} entries count, and they stay as they are. */
    int[] blocks() {
        return blocks;
    }

    int blockCount() {
        return blockCount;
    }

    void addBlock(int block) {
        if (blockCount == blocks.length) {
            blocks = Arrays.copyOf(blocks, Math.max(8, blockCount * 2));
        }
        blocks[blockCount++] = block;
    }

    void replaceBlock(int index, int block) {
        blocks[index] = block;
        verifiedBlocks = Math.min(verifiedBlocks, index);
    }

    /** Forgets the blocks. Outstanding steps may still read the array, so it is never written again. */
    void dropBlocks() {
        blocks = NO_BLOCKS;
        blockCount = 0;
        cachedBlocks = 0;
        slots = 0;
        verifiedBlocks = 0;
        unwrittenBlock = NO_BLOCK;
        knownCached = -1;
        lastScheduled = -1;
    }

    /** Hash of the first {@code count} full blocks. */
    long prefixHash(int count, int blockSize) {
        while (chainLength < count) {
            if (chainLength == chain.length) {
                chain = Arrays.copyOf(chain, Math.max(8, chainLength * 2));
            }
            long parent = chainLength == 0 ? prefixRoot : chain[chainLength - 1];
            int from = chainLength * blockSize;
            chain[chainLength++] = PrefixCache.extend(parent, tokens, from, from + blockSize);
        }
        return count == 0 ? prefixRoot : chain[count - 1];
    }
}
