package bestfit.config;

import java.nio.file.Path;
import java.util.Map;

/** Where bestfit keeps its state. */
public final class Home {
    private Home() {}

    /** {@code $BESTFIT_HOME}, else {@code ~/.local/share/bestfit}. Not created here. */
    public static Path of(Map<String, String> environment) {
        var set = environment.get("BESTFIT_HOME");
        if (set != null && !set.isBlank()) {
            return Path.of(set);
        }
        var home = environment.getOrDefault("HOME", "");
        return Path.of(home.isBlank() ? System.getProperty("user.home") : home, ".local", "share", "bestfit");
    }
}
