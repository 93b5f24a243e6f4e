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
    private static final Set<String> WHOLE_NAMES =
            Set.of("--reasoning-parser", "--scheduler", "--hf-token-path", "--master", "--ssl", "--log-config");

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
                    var name = VllmArgs.flagOf(flag.asString("")).filter(DENIED::contains);
                    flags.add(name.orElseThrow(() -> new ConfigException("--allow-args " + file.get() + ": " + flag
                            + " of " + entry.getKey() + " is no flag that needs allowing; these do: "
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
        for (int i = 0; i < args.size(); i++) {
            var argument = args.get(i);
            var flag = VllmArgs.flagOf(argument);
            if (flag.isEmpty()) {
                continue;
            }
            var own = match(flag.get(), OWN);
            var denied = match(flag.get(), DENIED);
            if (own.isPresent()) {
                refusals.add(new Refusal(i, argument, own.get() + " is set by the node; leave it out"));
            } else if (denied.isPresent()
                    && allowed.getOrDefault(model, Set.of()).contains(denied.get())) {
                NodeLog.info(denied.get() + " is let through for " + model + " by the operator's file");
            } else if (denied.isPresent()) {
                refusals.add(new Refusal(
                        i,
                        argument,
                        denied.get() + " can load code or open files on this server; its operator allows it per model"
                                + " with --allow-args FILE"));
            }
        }
        return refusals;
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
