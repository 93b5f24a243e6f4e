package bestfit.args;

import bestfit.config.ConfigException;
import bestfit.config.Json;
import bestfit.config.Problems;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import tools.jackson.core.JacksonException;

/** Args as a user types them into one option: a JSON array of strings, or one string with POSIX shell quoting. */
public final class ArgsText {
    private static final Set<String> COUNTS =
            Set.of("--tensor-parallel-size", "--pipeline-parallel-size", "--data-parallel-size", "--max-num-seqs");

    private ArgsText() {}

    /**
     * Reads either form; a string is split as a POSIX shell would, without any expansion.
     *
     * @param option named in the message, such as {@code --args}
     * @throws ConfigException on an open quote, an array that is broken or holds anything but strings, a first word that is
     *     no flag, or a parallel size or batch limit below 1
     */
    public static VllmArgs read(String option, String text) {
        var args = new VllmArgs(words(option, text));
        refuseNonsense(option, args);
        return args;
    }

    /**
     * The args without the counts that {@link #read} refuses, to look at what else is wrong; none where the text cannot be split.
     */
    public static VllmArgs usable(String text) {
        try {
            var kept = new ArrayList<String>();
            for (var given : new VllmArgs(words("", text)).given()) {
                if (!isNoCount(given)) {
                    kept.add(given.flag());
                    kept.addAll(given.values());
                }
            }
            return new VllmArgs(kept);
        } catch (ConfigException told) {
            return VllmArgs.of();
        }
    }

    private static boolean isNoCount(VllmArgs.Given given) {
        return COUNTS.contains(given.flag()) && !value(given).matches("0*[1-9]\\d{0,7}");
    }

    private static String value(VllmArgs.Given given) {
        return given.values().isEmpty() ? "" : given.values().getFirst();
    }

    /**
     * The words of either form, whatever they are: a command line, say.
     *
     * @throws ConfigException on an open quote, or an array that is broken or holds anything but strings
     */
    public static List<String> words(String option, String text) {
        var trimmed = text.strip();
        return trimmed.startsWith("[") ? fromJson(option, trimmed) : split(option, trimmed);
    }

    /** What no version of vLLM takes, and what would make a layout out of nothing. */
    private static void refuseNonsense(String option, VllmArgs args) {
        var problems = new Problems();
        args.list().stream()
                .findFirst()
                .filter(first -> VllmArgs.flagOf(first).isEmpty())
                .ifPresent(first -> problems.add(option + ": " + first
                        + " is no flag; args are vLLM's flags with their values," + " such as --max-num-seqs 64"));
        for (var given : args.given()) {
            if (isNoCount(given)) {
                var value = value(given);
                problems.add(option + ": " + given.flag() + " is " + (value.isEmpty() ? "without a value" : value)
                        + "; it takes a whole number of at least 1");
            }
        }
        problems.throwIfAny();
    }

    private static List<String> fromJson(String option, String text) {
        try {
            var items = new ArrayList<String>();
            for (var item : Json.parse(text)) {
                if (!item.isString()) {
                    throw new ConfigException(
                            option + ": " + item + " in the array is no string; write \"" + item + "\" in quotes");
                }
                items.add(item.stringValue());
            }
            return items;
        } catch (JacksonException e) {
            throw new ConfigException(option + ": " + text + " is no JSON array of strings (" + Json.problem(e)
                    + "); example: [\"--max-num-seqs\",\"64\"]");
        }
    }

    private static List<String> split(String option, String text) {
        var words = new ArrayList<String>();
        var word = new StringBuilder();
        boolean inWord = false;
        char quote = 0;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (quote == 0 && Character.isWhitespace(c)) {
                if (inWord) {
                    words.add(word.toString());
                    word.setLength(0);
                    inWord = false;
                }
                continue;
            }
            inWord = true;
            if (c == quote) {
                quote = 0;
            } else if (quote == 0 && (c == '\'' || c == '"')) {
                quote = c;
            } else if (c == '\\' && quote != '\'' && i + 1 < text.length()) {
                char next = text.charAt(++i);
                // Within double quotes POSIX takes the backslash away only before these.
                if (quote == '"' && "\"\\$`".indexOf(next) < 0) {
                    word.append(c);
                }
                word.append(next);
            } else {
                word.append(c);
            }
        }
        if (quote != 0) {
            throw new ConfigException(option + ": " + text + " has an open " + quote + "; close it");
        }
        if (inWord) {
            words.add(word.toString());
        }
        return words;
    }

    /** One string that {@link #read} and a POSIX shell read back as these args. */
    public static String write(VllmArgs args) {
        return String.join(" ", args.list().stream().map(ArgsText::quote).toList());
    }

    /** A word as a POSIX shell reads it back, in single quotes where needed. */
    public static String quote(String word) {
        return word.matches("[A-Za-z0-9_@%+=:,./-]+") ? word : "'" + word.replace("'", "'\\''") + "'";
    }
}
