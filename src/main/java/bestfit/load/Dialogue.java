package bestfit.load;

import java.util.List;

/** The requests of one user, turn after turn. Immutable. */
public interface Dialogue {
    /** Makes dialogues. */
    @FunctionalInterface
    interface Source {
        /** @param firstIndex number of its first request */
        Dialogue dialogue(int number, int firstIndex);
    }

    int turns();

    /**
     * A whole body.
     *
     * @param answers text of every answer before, as it stood between quotes in the server's JSON
     */
    byte[] body(int turn, List<byte[]> answers);

    /** An answer of another length is a failure; 0 takes any. */
    int exactTokens(int turn);

    /** A request that stands alone. */
    static Dialogue single(byte[] body, int exactTokens) {
        return new Single(body, exactTokens);
    }

    /** A request that stands alone. */
    record Single(byte[] body, int tokens) implements Dialogue {
        @Override
        public int turns() {
            return 1;
        }

        @Override
        public byte[] body(int turn, List<byte[]> answers) {
            return body;
        }

        @Override
        public int exactTokens(int turn) {
            return tokens;
        }
    }
}
