package bestfit.node;

import bestfit.args.VllmArgs;
import bestfit.config.ConfigException;
import bestfit.config.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import tools.jackson.core.JacksonException;

/**
 * Which vLLM args a caller may set. Whoever can reach the management port could otherwise run code of their own (plugins,
 * middleware, a model's own code), read and write files, or open the engine's port to the world.
 *
 * @param allowed flags that the operator allows all the same, by model
 */
record ArgRules(Map<String, Set<String>> allowed) {
    /** The node's own: an engine listens on loopback, on the port that the balancer expects. */
    private static final Set<String> OWN = Set.of("--host", "--port", "--uds", "--model");

    /** A value that names a file of this server, also within JSON. */
    private static final Pattern PATH =
            Pattern.compile("(?:^|[\"'=:,\\[ ])(?:/|~/|\\.\\.?/|\\.\\.?$|~$|file:)|/\\.\\./");

    /** A key of JSON, or a dotted part, by which vLLM's configurations name classes and files. */
    private static final Pattern LOADED = Pattern.compile("(?:cls|class|module|path|dir|file)[\"']?\\s*[:=]");

    /** Endings of the names of flags that do so. */
    private static final Pattern LOADS = Pattern.compile(".*(?:plugin.*|-(?:cls|class|path|dir|file))");

    /** Values with which these flags load code: a class by its name, or vLLM's compiler by its own. */
    private static final Map<String, Pattern> CODE = Map.of(
            "--distributed-executor-backend",
            Pattern.compile("^(?!(?:mp|uni|ray|external_launcher)$)"),
            "--compilation-config",
            Pattern.compile("backend|_pass"),
            "--speculative-config",
            Pattern.compile("custom_class|\\bmodel[\"']?\\s*[:=]\\s*[\"']?\\w+(?:\\.\\w+)+[\"']?\\s*(?:[,}]|$)"),
            "--spec-model",
            Pattern.compile("^\\w+(?:\\.\\w+)+$"));

    /** JSON's other ways to write a character. */
    private static final Pattern ESCAPE = Pattern.compile("\\\\(?:u([0-9a-fA-F]{4})|/)");

    /** Names that may look like paths: nothing is opened. */
    private static final Set<String> NAMES = Set.of("--served-model-name");

    /** Loads code, or names a file or an address that the engine opens; as far as vLLM 0.33, and not told by {@link #LOADS}. */
    private static final Set<String> DENIED = Set.of(
            "--middleware",
            "--tool-parser-plugin",
            "--reasoning-parser-plugin",
            "--io-processor-plugin",
            "--logits-processors",
            "--worker-cls",
            "--worker-extension-cls",
            "--scheduler-cls",
            "--model-class-overrides",
            "--trust-remote-code",
            "--trust-request-chat-template",
            "--allowed-local-media-path",
            "--chat-template",
            "--tool-server",
            "--config",
            "--download-dir",
            "--hf-config-path",
            "--hf-token",
            "--log-config-file",
            "--lora-modules",
            "--kv-transfer-config",
            "--kv-events-config",
            "--ec-transfer-config",
            "--model-loader-extra-config",
            "--otlp-traces-endpoint",
            "--ssl-keyfile",
            "--ssl-certfile",
            "--ssl-ca-certs",
            "--data-parallel-address",
            "--master-addr",
            "--root-path");

    /** A harmless flag that begins one of the above; argparse takes an exact name before an abbreviation. */
    private static final String HARMLESS = "--reasoning-parser";

    ArgRules {
        allowed = Map.copyOf(allowed);
    }

    /**
     * Reads the operator's file: a JSON object of lists of flags by model, {@code {"org/model": ["--trust-remote-code"]}}.
     *
     * @throws ConfigException naming what is wrong with it
     */
    static ArgRules read(Optional<Path> file) {
        if (file.isEmpty()) {
            return new ArgRules(Map.of());
        }
        var form = "; a JSON object is expected, such as {\"org/model\": [\"--trust-remote-code\"]}";
        try {
            var json = Json.parse(Files.readString(file.get()));
            if (!json.isObject()) {
                throw new ConfigException("--allow-args " + file.get() + " holds no object" + form);
            }
            var allowed = new HashMap<String, Set<String>>();
            for (var entry : json.properties()) {
                var flags = new HashSet<String>();
                for (var flag : entry.getValue()) {
                    var name = VllmArgs.flagOf(flag.asString("")).filter(each -> !OWN.contains(each));
                    flags.add(name.orElseThrow(() -> new ConfigException("--allow-args " + file.get() + ": " + flag
                            + " of " + entry.getKey() + " is no flag that can be allowed; these and any flag with a"
                            + " path as its value can: "
                            + String.join(" ", DENIED.stream().sorted().toList()))));
                }
                allowed.put(entry.getKey(), flags);
            }
            return new ArgRules(allowed);
        } catch (IOException | JacksonException unreadable) {
            throw new ConfigException(
                    "--allow-args " + file.get() + " cannot be read (" + unreadable.getMessage() + ")" + form);
        }
    }

    /**
     * An argument that is refused.
     *
     * @param index in the caller's list
     */
    record Refusal(int index, String argument, String reason) {}

    /**
     * A flag as it stands in the list.
     *
     * @param name in its long form
     * @param part what a dotted flag sets of its JSON, such as {@code backend} of {@code -cc.backend}
     * @param joined the value in the same word
     */
    private record Flag(String name, String part, Optional<String> joined) {
        static final Flag NONE = new Flag("", "", Optional.empty());

        /** Empty when {@code word} is a value. */
        static Optional<Flag> of(String word) {
            if (word.startsWith("-O") && word.length() > 2 && word.charAt(2) != '.' && word.charAt(2) != '=') {
                return Optional.of(new Flag("--compilation-config", "", Optional.of(word.substring(2))));
            }
            return VllmArgs.flagOf(word).map(name -> {
                int equals = word.indexOf('=');
                var joined = equals < 0 ? Optional.<String>empty() : Optional.of(word.substring(equals + 1));
                int dot = name.indexOf('.');
                return dot < 0
                        ? new Flag(name, "", joined)
                        : new Flag(
                                VllmArgs.flagOf(name.substring(0, dot)).orElse(name), name.substring(dot + 1), joined);
            });
        }
    }

    /** What is refused of {@code args} for {@code model}; what the operator's file lets through is logged. */
    List<Refusal> refusals(String model, List<String> args) {
        var refusals = new ArrayList<Refusal>();
        var flag = Flag.NONE;
        for (int i = 0; i < args.size(); i++) {
            var argument = args.get(i);
            var begun = Flag.of(argument);
            flag = begun.orElse(flag);
            var own = begun.flatMap(each -> match(each.name(), OWN));
            if (own.isPresent()) {
                refusals.add(new Refusal(i, argument, own.get() + " is set by the node; leave it out"));
                continue;
            }
            var denied = begun.flatMap(each -> match(each.name(), DENIED)
                    .or(() -> Optional.of(each.name())
                            .filter(name -> LOADS.matcher(name).matches())));
            var objection = denied.isPresent()
                    ? denied.get() + " can load code or open files or ports on this server"
                    : objection(flag, begun.isPresent() ? begun.get().joined() : Optional.of(argument));
            if (objection.isEmpty()) {
                continue;
            }
            var name = denied.orElse(flag.name());
            if (allowed.getOrDefault(model, Set.of()).contains(name)) {
                NodeLog.info(name + " is let through for " + model + " by the operator's file");
            } else {
                refusals.add(new Refusal(
                        i, argument, objection + "; its operator allows it per model with --allow-args FILE"));
            }
        }
        return refusals;
    }

    /** What is wrong with a value of a flag that is harmless by itself; empty if nothing is. */
    private static String objection(Flag flag, Optional<String> given) {
        if (given.isEmpty() || NAMES.contains(flag.name())) {
            return "";
        }
        var value = ESCAPE.matcher(given.get())
                .replaceAll(found -> Matcher.quoteReplacement(
                        found.group(1) == null ? "/" : Character.toString(Integer.parseInt(found.group(1), 16))));
        var setting = flag.part().isEmpty() ? value : flag.part() + "=" + value;
        var code = match(flag.name(), CODE.keySet()).map(CODE::get);
        if (code.filter(each -> each.matcher(setting).find()).isPresent()
                || LOADED.matcher(setting).find()) {
            return flag.name() + " with this value can load code or open files";
        }
        if (value.contains("plugin")) {
            return flag.name() + " names a plugin, which is code";
        }
        return PATH.matcher(value).find() ? flag.name() + " names a file of this server" : "";
    }

    /** The flag of {@code names} that argparse would take {@code flag} for: itself, or what it abbreviates. */
    private static Optional<String> match(String flag, Set<String> names) {
        if (names.contains(flag)) {
            return Optional.of(flag);
        }
        if (flag.length() < 4 || !flag.startsWith("--") || flag.equals(HARMLESS)) {
            return Optional.empty();
        }
        return names.stream().filter(each -> each.startsWith(flag)).sorted().findFirst();
    }
}
