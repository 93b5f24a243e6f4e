package bestfit.deploy;

import bestfit.config.ConfigException;
import bestfit.config.Problems;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What the two ports of a node ask to be shown, as headers. Its text never holds a token.
 *
 * @param management headers of each call of the management API; empty where it asks for none
 * @param inference headers of each request to the inference port; empty likewise
 */
public record NodeTokens(Map<String, String> management, Map<String, String> inference) {
    public static final NodeTokens NONE = new NodeTokens(Map.of(), Map.of());

    public NodeTokens {
        management = Map.copyOf(management);
        inference = Map.copyOf(inference);
    }

    /**
     * Reads the one line of each file.
     *
     * @param management null: the management API asks for none
     * @param inference null: the inference port asks for none
     * @throws ConfigException if a file cannot be read or holds no token
     */
    public static NodeTokens read(@Nullable Path management, @Nullable Path inference) {
        var problems = new Problems();
        var tokens = new NodeTokens(
                header("--management-token-file", management, problems),
                header("--inference-token-file", inference, problems));
        problems.throwIfAny();
        return tokens;
    }

    private static Map<String, String> header(String option, @Nullable Path file, Problems problems) {
        if (file == null) {
            return Map.of();
        }
        try {
            var token = Files.readString(file).strip();
            if (!token.isEmpty() && token.chars().allMatch(c -> c > ' ' && c <= '~')) {
                return Map.of("Authorization", "Bearer " + token);
            }
            problems.add(option + " " + file + " holds no token; one line without blanks is expected");
        } catch (IOException unreadable) {
            problems.add(option + " " + file + " cannot be read; give the file that the node was started with");
        }
        return Map.of();
    }

    @Override
    public String toString() {
        return "management " + (management.isEmpty() ? "open" : "with a token") + ", inference "
                + (inference.isEmpty() ? "open" : "with a token");
    }
}
