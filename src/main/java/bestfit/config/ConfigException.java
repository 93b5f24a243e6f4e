package bestfit.config;

import java.util.List;

/** What the user gave cannot be used; ends the command with exit code 2. */
public final class ConfigException extends RuntimeException {
    private static final long serialVersionUID = 1L;
    private final List<String> problems;

    public ConfigException(List<String> problems) {
        super(String.join(System.lineSeparator(), problems));
        this.problems = List.copyOf(problems);
    }

    public ConfigException(String problem) {
        this(List.of(problem));
    }

    /** Each a whole sentence: where, which value, what is allowed. */
    public List<String> problems() {
        return problems;
    }
}
