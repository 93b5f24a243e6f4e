package bestfit.load;

import bestfit.http.StreamClient.Route;
import bestfit.load.PreparedRequests.Prepared;
import java.util.ArrayList;
import java.util.List;

/**
 * One turn of a dialogue.
 *
 * @param answers to the turns before
 */
record Ask(Prepared talk, int turn, List<byte[]> answers) {
    static Ask first(Prepared talk) {
        return new Ask(talk, 0, List.of());
    }

    int index() {
        return talk.index() + turn;
    }

    int exactTokens() {
        return talk.dialogue().exactTokens(turn);
    }

    boolean isLast() {
        return turn + 1 >= talk.turns();
    }

    Ask next(byte[] answer) {
        var all = new ArrayList<>(answers);
        all.add(answer);
        return new Ask(talk, turn + 1, all);
    }

    Route route() {
        return talk.route();
    }

    /** As it goes over the wire. */
    byte[] request() {
        return turn == 0 ? talk.bytes() : talk.route().request(talk.dialogue().body(turn, answers));
    }
}
