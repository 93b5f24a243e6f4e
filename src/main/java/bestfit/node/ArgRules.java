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
    private static final Pattern PATH = Pattern.compile("(?:^|[\"'=:,\\[ ])(?:/|~/|\\.\\.?/|file:)");

    /** Values with which these flags load code: a class by its name, or vLLM's compiler by its own. */
    private static final Map<String, Pattern> CODE = Map.of(
            "--distributed-executor-backend",
            Pattern.compile("(?!(?:mp|uni|ray|external_launcher)$).*"),
            "--compilation-config",
            Pattern.compile("(?s).*(?:backend|_pass).*"));

    /** Names that may look like paths: nothing is opened. */
    private static final Set<String> NAMES = Set.of("--served-model-name");

    /** Loads code, or names a file or an address that the engine opens. */
    private static final Set<String> DENIED = Set.of(
            "--middleware",
            "--tool-parser-plugin",
            "--reasoning-parser-plugin",
            "--io-processor-plugin",
            "--logits-processors",
            "--worker-cls",
            "--worker-extension-cls",
            "--scheduler-cls",
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
            "--ec-transfer-config",
            "--model-loader-extra-config",
            "--otlp-traces-endpoint",
            "--ssl-keyfile",
            "--ssl-certfile",
            "--ssl-ca-certs",
            "--data-parallel-address",
            "--master-addr",
            "--root-path");

    /** Harmless flags that begin one of the above; argparse takes an exact name before an abbreviation. */
    private static final Set<String> WHOLE_NAMES = Set.of(
            "--reasoning-parser",
            "--chat-template-content-format",
            "--scheduler",
            "--hf-token-path",
            "--master",
            "--ssl",
            "--log-config");

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

    /** All that is refused of {@code args} for {@code model}; what the operator's file lets through is logged. */
    List<Refusal> refusals(String model, List<String> args) {
        var refusals = new ArrayList<Refusal>();
        var flag = "";
        for (int i = 0; i < args.size(); i++) {
            var argument = args.get(i);
            var begun = VllmArgs.flagOf(argument);
            flag = begun.orElse(flag);
            var value = begun.isEmpty() ? argument : argument.substring(argument.indexOf('=') + 1);
            boolean hasValue = begun.isEmpty() || argument.indexOf('=') > 0;
            var own = begun.flatMap(name -> match(name, OWN));
            if (own.isPresent()) {
                refusals.add(new Refusal(i, argument, own.get() + " is set by the node; leave it out"));
                continue;
            }
            var denied =
                    begun.flatMap(name -> match(name, DENIED)).or(() -> begun.filter(each -> each.contains("plugin")));
            var objection = denied.isPresent()
                    ? denied.get() + " can load code or open files on this server"
                    : hasValue ? objection(flag, value) : "";
            if (objection.isEmpty()) {
                continue;
            }
            var name = denied.orElse(flag);
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
    private static String objection(String flag, String value) {
        int dot = flag.indexOf('.');
        var whole = dot < 0 ? flag : flag.substring(0, dot);
        var code = CODE.get(whole.equals("-cc") ? "--compilation-config" : whole);
        if (code != null && code.matcher(dot < 0 ? value : flag + value).matches()) {
            return flag + " with this value can load code";
        }
        if (value.contains("plugin")) {
            return flag + " names a plugin, which is code";
        }
        return !NAMES.contains(flag) && PATH.matcher(value).find() ? flag + " names a file of this server" : "";
    }

    /** The flag of {@code names} that argparse would take {@code flag} for: itself, an abbreviation, or a dotted part. */
    private static Optional<String> match(String flag, Set<String> names) {
        int dot = flag.indexOf('.');
        var name = dot < 0 ? flag : flag.substring(0, dot);
        if (names.contains(name)) {
            return Optional.of(name);
        }
        if (name.length() < 4 || !name.startsWith("--") || WHOLE_NAMES.contains(name)) {
            return Optional.empty();
        }
        return names.stream().filter(each -> each.startsWith(name)).sorted().findFirst();
    }
}
