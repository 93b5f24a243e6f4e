package bestfit.load;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** The text of an answer as it stands between quotes, if it is to be kept. */
final class AnswerText {
    /** Keeps nothing; all streams may share it. */
    static final AnswerText NONE = new AnswerText(null);

    private byte @Nullable [] kept;
    private int length;

    private AnswerText(byte @Nullable [] kept) {
        this.kept = kept;
    }

    static AnswerText kept() {
        return new AnswerText(new byte[1024]);
    }

    void append(byte[] in, int from, int to) {
        var text = kept;
        if (text != null) {
            if (length + to - from > text.length) {
                text = Arrays.copyOf(text, Math.max(length + to - from, 2 * text.length));
                kept = text;
            }
            System.arraycopy(in, from, text, length, to - from);
            length += to - from;
        }
    }

    /** What was kept; a copy. */
    byte[] bytes() {
        return kept == null ? new byte[0] : Arrays.copyOf(kept, length);
    }
}
