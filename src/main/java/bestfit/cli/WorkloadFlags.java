package bestfit.cli;

import bestfit.config.ConfigException;
import bestfit.config.ConfigReader;
import bestfit.config.Json;
import bestfit.config.Problems;
import bestfit.metrics.Slo;
import bestfit.workload.Workload;
import bestfit.workload.WorkloadFile;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;
import tools.jackson.databind.node.ObjectNode;

/** Flags that stand for keys of a workload. */
final class WorkloadFlags {
    @Option(
            names = "--workload",
            paramLabel = "FILE",
            description = "Workload file (docs/workload.md); a flag wins over its value.")
    @Nullable
    private Path file;

    @Option(names = "--entry", paramLabel = "NAME", description = "Which of the file's workloads, if it has several.")
    @Nullable
    private String entry;

    @Option(names = "--concurrency", paramLabel = "N", description = "Closed loop: so many users, one request each.")
    @Nullable
    private String concurrency;

    @Option(names = "--ramp-up", paramLabel = "10s", description = "Closed loop: users begin spread over so long.")
    @Nullable
    private String rampUp;

    @Option(names = "--rate", paramLabel = "R", description = "Open loop: so many requests a second.")
    @Nullable
    private String rate;

    @Option(
            names = "--burstiness",
            paramLabel = "B",
            description = "Open loop: shape of the gamma-distributed gaps; 1 is Poisson (default), inf is constant.")
    @Nullable
    private String burstiness;

    @Option(
            names = "--replay-speed",
            paramLabel = "X",
            description = "Send at the times of the trace in --prompts, so many times as fast.")
    @Nullable
    private String replaySpeed;

    @Option(
            names = "--max-in-flight",
            paramLabel = "N",
            description = "Open loop: a request due while so many are under way waits; the wait is reported.")
    @Nullable
    private String mostInFlight;

    @Option(names = "--requests", paramLabel = "N", description = "End after so many requests.")
    @Nullable
    private String requests;

    @Option(
            names = "--duration",
            paramLabel = "60s",
            description = "Start no request after so long: 500ms, 60s, 10m, 1h.")
    @Nullable
    private String duration;

    @Option(names = "--warmup", paramLabel = "N", description = "Requests sent before that do not count (default: 0).")
    @Nullable
    private String warmup;

    @Option(
            names = "--prompt-tokens",
            paramLabel = "N",
            description =
                    "Tokens of each prompt, exact: N, uniform:A,B, normal:MEAN,SD, log-normal:MEDIAN,SIGMA, file:F.")
    @Nullable
    private String promptTokens;

    @Option(names = "--prompts", paramLabel = "FILE", description = "Prompts or a trace, in place of generated ones.")
    @Nullable
    private String prompts;

    @Option(names = "--repeat", description = "Begin the prompts file anew at its end.")
    private boolean repeat;

    @Option(
            names = "--shared-prefix-tokens",
            paramLabel = "N",
            description = "So many more in front of each prompt, shared by all of a group.")
    @Nullable
    private String prefixTokens;

    @Option(names = "--shared-prefixes", paramLabel = "N", description = "So many such groups (default: 1).")
    @Nullable
    private String prefixes;

    @Option(
            names = "--output-tokens",
            paramLabel = "N",
            description = "Tokens of each answer, exact; as --prompt-tokens.")
    @Nullable
    private String outputTokens;

    @Option(
            names = "--turns",
            paramLabel = "N",
            description = "Turns of each conversation; as --prompt-tokens (default: 1).")
    @Nullable
    private String turns;

    @Option(names = "--think-time", paramLabel = "2s", description = "Pause before the next turn (default: none).")
    @Nullable
    private String thinkTime;

    @Option(
            names = "--endpoint",
            paramLabel = "PATH",
            description = "/v1/chat/completions (default) or /v1/completions.")
    @Nullable
    private String endpoint;

    @Option(names = "--temperature", paramLabel = "T", description = "Of the sampling (default: 0).")
    @Nullable
    private String temperature;

    @Option(
            names = "--slo",
            paramLabel = "ttft:500,tpot:50",
            description = "Limits in milliseconds (ttft, tpot, e2e) of a good request, for goodput.")
    @Nullable
    private String slo;

    @Option(names = "--seed", paramLabel = "S", description = "Of prompts and send times (default: 42).")
    @Nullable
    private String seed;

    private final Map<String, String> names = new LinkedHashMap<>();

    Workload read(Problems problems, String given) {
        var where = file == null ? "bench" : file.toString();
        var map = Json.object();
        var inBoth = problems; // found in what the flags and the file say together
        if (file != null) {
            try {
                var inFile = WorkloadFile.entry(file, entry, problems);
                where = inFile.getKey();
                map = inFile.getValue();
            } catch (ConfigException wrong) {
                problems.addAll(wrong);
            }
            if (map.isEmpty() && !problems.none()) {
                inBoth = new Problems(); // what the flags lack may stand in the file that could not be read
            }
        }
        putInto(map, problems);
        if (!given.isEmpty()) {
            List.of("users", "rate", "replay_speed").forEach(section(map, "load")::remove);
            put(map, given, "", "1");
        }
        return Workload.read(new ConfigReader(where, map, names, inBoth));
    }

    private void putInto(ObjectNode map, Problems problems) {
        if (concurrency != null || rate != null || replaySpeed != null) {
            List.of("users", "rate", "replay_speed")
                    .forEach(key -> section(map, "load").remove(key));
        }
        if (requests != null || duration != null) {
            List.of("requests", "duration").forEach(key -> section(map, "load").remove(key));
        }
        if (promptTokens != null || prompts != null) {
            List.of("tokens", "file").forEach(key -> section(map, "prompt").remove(key));
        }
        put(map, "load.users", "--concurrency", concurrency);
        put(map, "load.ramp_up", "--ramp-up", rampUp);
        put(map, "load.rate", "--rate", rate);
        put(map, "load.burstiness", "--burstiness", burstiness);
        put(map, "load.replay_speed", "--replay-speed", replaySpeed);
        put(map, "load.max_in_flight", "--max-in-flight", mostInFlight);
        put(map, "load.requests", "--requests", requests);
        put(map, "load.duration", "--duration", duration);
        put(map, "load.warmup", "--warmup", warmup);
        put(map, "prompt.tokens", "--prompt-tokens", promptTokens);
        put(map, "prompt.file", "--prompts", prompts);
        put(map, "prompt.repeat", "--repeat", repeat ? "true" : null);
        put(map, "prompt.shared_prefix_tokens", "--shared-prefix-tokens", prefixTokens);
        put(map, "prompt.shared_prefixes", "--shared-prefixes", prefixes);
        put(map, "output.tokens", "--output-tokens", outputTokens);
        put(map, "conversation.turns", "--turns", turns);
        put(map, "conversation.think_time", "--think-time", thinkTime);
        put(map, "endpoint", "--endpoint", endpoint);
        put(map, "sampling.temperature", "--temperature", temperature);
        put(map, "seed", "--seed", seed);
        if (slo != null) {
            putSlo(map, slo, problems);
        }
    }

    private void putSlo(ObjectNode map, String text, Problems problems) {
        try {
            var limits = Slo.parse(text);
            map.remove("slo");
            put(map, "slo.ttft_ms", "--slo", finite(limits.ttftMillis()));
            put(map, "slo.tpot_ms", "--slo", finite(limits.tpotMillis()));
            put(map, "slo.e2e_ms", "--slo", finite(limits.e2eMillis()));
        } catch (IllegalArgumentException wrong) {
            problems.add("--slo: " + wrong.getMessage() + ".");
        }
    }

    private static @Nullable String finite(double value) {
        return Double.isInfinite(value) ? null : Double.toString(value);
    }

    /** Numbers as numbers, so that a flag is checked as a file's value is. */
    private void put(ObjectNode map, String path, String flag, @Nullable String value) {
        if (value != null || file == null) {
            names.put(path, flag);
        }
        if (value == null) {
            return;
        }
        int dot = path.indexOf('.');
        var key = path.substring(dot + 1);
        var target = dot < 0 ? map : section(map, path.substring(0, dot));
        if (value.matches("-?\\d{1,18}")) {
            target.put(key, Long.parseLong(value));
        } else if (value.matches("-?\\d*\\.?\\d+([eE][-+]?\\d+)?")) {
            target.put(key, Double.parseDouble(value));
        } else {
            target.put(key, value);
        }
    }

    private static ObjectNode section(ObjectNode map, String name) {
        return map.get(name) instanceof ObjectNode found ? found : map.putObject(name);
    }
}
