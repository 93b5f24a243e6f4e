package bestfit.deploy;

import bestfit.config.Json;
import java.util.Locale;
import tools.jackson.databind.node.ObjectNode;

/**
 * Something about a node or its configuration that a host should know.
 *
 * @param check the stable name of what was looked at
 * @param subject what it is about: a model, a port, a GPU
 * @param what was seen, a sentence
 * @param fix what to do; empty for a note
 */
public record Finding(Level level, String check, String subject, String what, String fix) {
    /** How bad. */
    public enum Level {
        /** It does not work, or not as meant. */
        PROBLEM,
        /** It may cost speed, rewards or a crash under load. */
        WARNING,
        /** As it is meant; many expect something else. */
        NOTE
    }

    public ObjectNode toJson() {
        return Json.object()
                .put("level", level.name().toLowerCase(Locale.ROOT))
                .put("check", check)
                .put("subject", subject)
                .put("what", what)
                .put("fix", fix);
    }
}
