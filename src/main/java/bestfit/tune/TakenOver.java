package bestfit.tune;

import java.io.IOException;

/** Somebody else deployed on the node while a campaign was at it: what runs there is no longer the campaign's to end. */
final class TakenOver extends IOException {
    private static final long serialVersionUID = 1L;

    TakenOver(String message) {
        super(message);
    }
}
