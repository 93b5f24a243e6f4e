package bestfit.node;

import bestfit.args.ArgsText;
import bestfit.config.ConfigException;
import java.util.ArrayList;
import java.util.List;

/**
 * A command line with places for an instance's values: {@code {model}}, {@code {dtype}}, {@code {host}}, {@code {port}},
 * {@code {devices}} (as CUDA_VISIBLE_DEVICES has them) anywhere in a word, {@code {args}} as a word of its own. Without any place, vLLM's flags and the args are appended.
 */
public record CommandTemplate(List<String> words) {
    public CommandTemplate {
        words = List.copyOf(words);
    }

    /**
     * Reads a JSON array of strings or one string quoted as for a POSIX shell; nothing is expanded.
     *
     * @throws ConfigException if it is neither, or empty
     */
    public static CommandTemplate parse(String text) {
        var words = ArgsText.words("--engine-command", text);
        if (words.isEmpty()) {
            throw new ConfigException("--engine-command is empty; give a program and its arguments");
        }
        return new CommandTemplate(words);
    }

    /** The command line of one instance. */
    List<String> fill(String model, String dtype, String host, int port, List<String> devices, List<String> args) {
        var command = new ArrayList<String>();
        var list = String.join(",", devices);
        boolean placed = false;
        for (var word : words) {
            if (word.equals("{args}")) {
                command.addAll(args);
                placed = true;
            } else {
                var filled = word.replace("{model}", model)
                        .replace("{dtype}", dtype)
                        .replace("{host}", host)
                        .replace("{devices}", list)
                        .replace("{port}", Integer.toString(port));
                placed |= !filled.equals(word);
                command.add(filled);
            }
        }
        if (!placed) {
            command.addAll(VllmFlags.of(model, dtype, host, port, args));
        }
        return command;
    }
}
