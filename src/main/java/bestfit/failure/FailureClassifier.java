package bestfit.failure;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Function;
import java.util.regex.Pattern;

/**
 * Names the failure that an engine's log and end show. Pure.
 *
 * <p>The cause is the engine's own last error, not the log's last line: vLLM's API server ends with a summary
 * ({@code Engine core initialization failed. See root cause above.}) whatever happened below it.
 */
public final class FailureClassifier {
    /** How an engine ended. */
    public sealed interface End {
        /** The process ended before it was ready. */
        record ExitAtStart(int exitCode) implements End {}

        /** The process was alive but not ready when the time was over. */
        record NotReadyInTime(Duration limit) implements End {}

        /** The process ended after it had served. */
        record ExitWhileServing(int exitCode) implements End {}

        /** The process lived, had requests and made no token for so long. */
        record Hung(Duration silence) implements End {}
    }

    /** Lines of evidence kept for a failure. */
    private static final int MOST_LINES = 12;

    private record Rule(Pattern pattern, Function<List<String>, Failure> kind) {}

    /** Texts of vLLM 0.8 to 0.33 (and of this project's engine, which uses the same), by kind. Earlier rules go first. */
    private static final List<Rule> RULES = List.of(
                    rule(
                            Failure.KvTooSmall::new,
                            "No available memory for the cache blocks",
                            "To serve at least one request with the models?(?:'s)? max seq len",
                            "larger than the maximum number of tokens that can be stored in KV cache",
                            "Cannot auto-fit max_model_len"),
                    rule(
                            Failure.OutOfMemory::new,
                            "CUDA out of memory",
                            "\\bOutOfMemoryError\\b",
                            "HIP out of memory",
                            "Free memory on device .* is less than desired GPU memory utilization",
                            "DefaultCPUAllocator: can't allocate memory",
                            "\\bMemoryError\\b",
                            "Cannot allocate memory"),
                    rule(
                            Failure.MemoryRace::new,
                            "Error in memory profiling",
                            "This happens when other processes sharing the same container release GPU memory"),
                    rule(
                            Failure.NotDivisible::new,
                            "must be divisible by",
                            "is not divisible by",
                            "assert self\\.total_num_kv_heads % tp_size == 0",
                            "assert tp_size % self\\.total_num_kv_heads == 0",
                            "Tensor parallel size \\d+ is greater than the number of experts"),
                    rule(
                            Failure.DeviceCount::new,
                            "World size \\(\\d+\\) is larger than the number of available",
                            "must be less than or equal to the number of visible devices",
                            "less than (?:than )?max local gpu count",
                            "DP adjusted local rank \\d+ is out of bounds",
                            "Unable to load Ray which is required for multi-node",
                            "Cannot provide a placement group requiring",
                            "Not enough allowed NUMA nodes",
                            "invalid device ordinal"),
                    rule(
                            Failure.PortInUse::new,
                            "Address already in use",
                            "port \\d+ is (?:already )?(?:in use|taken)"),
                    rule(
                            Failure.ModelNotFound::new,
                            "Repo id must be in the form",
                            "Repo id must use alphanumeric chars",
                            "Invalid repository ID or local directory specified",
                            "Cannot find an appropriate cached snapshot folder",
                            "It looks like the config file at .* is not a valid JSON file",
                            "Cannot find any model weights",
                            "Could not detect config format",
                            "We couldn't connect to",
                            "is not a local folder and is not a valid model identifier",
                            "RepositoryNotFoundError",
                            "GatedRepoError",
                            "^bestfit: model "),
                    rule(
                            Failure.Unsupported::new,
                            "is not supported for this model",
                            "are not supported for now",
                            "is not supported for the current GPU",
                            "is only supported on GPUs with compute capability",
                            "is not supported for quantization method",
                            "Unknown quantization method",
                            "We recommend to remove .* from your config",
                            "Failed to infer device type",
                            "Concurrent Partial Prefill is not supported",
                            "does not support async scheduling",
                            "Failed to import Ray"),
                    rule(
                            Failure.BadArg::new,
                            "(?:^|: )error: (?:unrecognized arguments|argument |the following arguments|ambiguous option|unknown)",
                            "Value error, ",
                            "Input should be .* \\[type=\\w+, input_value=",
                            "User-specified max_model_len .* is greater than",
                            "max_num_batched_tokens \\(\\d+\\) (?:is smaller|must be)",
                            "does not match the quantization method specified",
                            "len\\(partitions\\)=\\d+ does not match pp_size",
                            "Number of experts in the model must be greater than 0"),
                    rule(
                            Failure.CannotLaunch::new,
                            "^(?:setsid|taskset|env): failed to execute ",
                            "No module named '?vllm\\b",
                            "No package metadata was found for vllm"),
                    rule(
                            Failure.Communication::new,
                            "NCCL error",
                            "ncclUnhandledCudaError",
                            "collective operation timeout"))
            .stream()
            .flatMap(List::stream)
            .toList();

    private static List<Rule> rule(Function<List<String>, Failure> kind, String... patterns) {
        return List.of(patterns).stream()
                .map(pattern -> new Rule(Pattern.compile(pattern), kind))
                .toList();
    }

    /** Errors that only report that something else failed, and errors of a single request. */
    private static final Pattern SUMMARY = Pattern.compile("Engine core initialization failed"
            + "|WorkerProc initialization failed|WorkerProc failed to start|EngineCore failed to start"
            + "|Engine process failed to start|EngineDeadError|EngineCore encountered|output_handler failed"
            + "|RuntimeError: (?:Executor failed\\.|cancelled)$"
            + "|Error in \\w+(?: \\w+)* generator|died unexpectedly|Error with model error=ErrorInfo"
            + "|leaked shared_memory|\\[shutdown\\]|Traceback \\(most recent call last\\)");

    /** What vLLM goes on after, whatever it says: {@code Address already in use. Retrying with a new port.} */
    private static final Pattern NO_ERROR =
            Pattern.compile("^(?:\\([^)]*pid=\\d+\\) )?(?:INFO|WARNING|DEBUG) \\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d ");

    /** Lines that tell nothing about a failure. */
    private static final Pattern NOISE = Pattern.compile("^\\s*$|^WARNING: Using incubator modules");

    /** vLLM's words when its engine is dead while its API server still lives, for seven seconds or so. */
    private static final Pattern ENGINE_DEAD =
            Pattern.compile("EngineDeadError|EngineCore encountered a fatal error|died unexpectedly");

    /** A worker ended by a signal, so by no error of Python's: an illegal instruction, a segmentation fault, the kernel. */
    private static final Pattern WORKER_KILLED =
            Pattern.compile("Worker proc \\S+ died unexpectedly \\(exit code: -\\d+\\)");

    /** vLLM's words when one of its processes went without a word of its own; what says which it was goes first. */
    private static final List<Pattern> PROCESS_LOST = List.of(
            Pattern.compile("\\bdied unexpectedly|engine core exited unexpectedly"),
            Pattern.compile("EngineDeadError: "));

    private static final Pattern ENGINE = Pattern.compile("^\\((?:EngineCore|VllmWorker|Worker)");
    private static final Pattern WORKER = Pattern.compile("^\\((?:VllmWorker|Worker)");

    /** A line in which a program reports an error of its own: a log level, argparse's form, or an exception's name. */
    private static final Pattern ERROR = Pattern.compile("(?:^|\\) )(?:ERROR|CRITICAL)\\b|: error: |^(?:\\([^)]*\\) )?"
            + "(?:(?:ERROR|CRITICAL) .*\\] )?(?:[\\w.$]+\\.)?\\w*(?:Error|Exception|Errno|Failure)\\b(?::|$)"
            + "|^Exception in thread |^(?:fatal|error|bestfit): ");

    /** vLLM's prefix of process, level, time and source line before a log's text. */
    private static final Pattern PREFIX = Pattern.compile(
            "^(?:\\([^)]*pid=\\d+\\) )?(?:(?:INFO|WARNING|ERROR|CRITICAL|DEBUG) \\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d"
                    + " \\[[^]]*\\] )?");

    private FailureClassifier() {}

    /**
     * Classifies.
     *
     * @param log the engine's last lines, oldest first, of this start only
     */
    public static Failure classify(List<String> log, End end) {
        var told = log.stream().filter(line -> !NOISE.matcher(line).find()).toList();
        var errors = told.stream().filter(line -> !SUMMARY.matcher(line).find()).toList();
        var named = lastNamed(errors);
        return switch (end) {
            case End.ExitAtStart(int exitCode) ->
                named.orElseGet(() -> new Failure.CrashAtStart(exitCode, evidence(exitCode, told, errors)));
            case End.NotReadyInTime(Duration limit) -> new Failure.StartTimeout(limit, lastLines(told));
            case End.Hung(Duration silence) -> new Failure.Hung(silence, lastLines(told));
            case End.ExitWhileServing(int exitCode) ->
                named.filter(failure -> failure instanceof Failure.OutOfMemory)
                        .orElseGet(() -> new Failure.DiedUnderLoad(exitCode, evidence(exitCode, told, errors)));
        };
    }

    /**
     * Classifies a failed start by what a node says of it, without the engine's log: by name if the message shows the cause,
     * else {@link Failure.Unknown}.
     */
    public static Failure ofMessage(String message) {
        var lines = message.lines().toList();
        return lastNamed(lines).orElseGet(() -> new Failure.Unknown(lines));
    }

    /** True when the log says that the engine is dead, whatever the process does. */
    public static boolean engineDead(List<String> log) {
        return log.stream().anyMatch(line -> ENGINE_DEAD.matcher(line).find());
    }

    /** The failure shown by the last line that a rule knows; of one line the earlier rule. */
    private static Optional<Failure> lastNamed(List<String> lines) {
        for (int i = lines.size() - 1; i >= 0; i--) {
            if (NO_ERROR.matcher(lines.get(i)).find()) {
                continue;
            }
            for (var rule : RULES) {
                if (rule.pattern().matcher(lines.get(i)).find()) {
                    return Optional.of(rule.kind().apply(around(lines, i)));
                }
            }
        }
        return Optional.empty();
    }

    /** The last error that no rule knows; without one, how the process ended and its last lines. */
    private static List<String> evidence(int exitCode, List<String> log, List<String> errors) {
        // Who is killed says nothing of it: older errors are about something else.
        if (exitCode != ExitCodes.KILLED) {
            var killed = workerKilled(log);
            if (killed.isPresent()) {
                return around(log, killed.getAsInt());
            }
            // A worker's error comes first in time: the engine falls over it, and its API server over the engine.
            for (var where : List.of(WORKER, ENGINE, Pattern.compile(""))) {
                for (int i = errors.size() - 1; i >= 0; i--) {
                    if (where.matcher(errors.get(i)).find() && tellsError(errors.get(i))) {
                        return around(errors, i);
                    }
                }
            }
        }
        for (var lost : PROCESS_LOST) {
            for (int i = log.size() - 1; i >= 0; i--) {
                if (lost.matcher(log.get(i)).find()) {
                    return around(log, i);
                }
            }
        }
        var told = new ArrayList<>(lastLines(log));
        told.addFirst(ExitCodes.describe(exitCode));
        return told;
    }

    /** An error in its own words, not a line of source or marks that a traceback shows. */
    private static boolean tellsError(String line) {
        var bare = PREFIX.matcher(line).replaceFirst("");
        return ERROR.matcher(line).find()
                && !bare.isEmpty()
                && !Character.isWhitespace(bare.charAt(0))
                && !bare.startsWith("Dumping ");
    }

    /** Where the engine found a worker ended by a signal, unless the worker could tell an error before that. */
    private static OptionalInt workerKilled(List<String> log) {
        for (int i = 0; i < log.size(); i++) {
            if (WORKER_KILLED.matcher(log.get(i)).find()) {
                return OptionalInt.of(i);
            }
            if (WORKER.matcher(log.get(i)).find() && tellsError(log.get(i))) {
                return OptionalInt.empty();
            }
        }
        return OptionalInt.empty();
    }

    /** The telling line without its prefix, then what stood before it. */
    private static List<String> around(List<String> lines, int at) {
        var found = new ArrayList<String>();
        found.add(text(lines.get(at)));
        found.addAll(lines.subList(Math.max(0, at - MOST_LINES + 1), at));
        return found;
    }

    private static List<String> lastLines(List<String> lines) {
        return lines.isEmpty() ? List.of() : around(lines, lines.size() - 1);
    }

    /** A log line's own text, without vLLM's prefix of process, level, time and place. */
    static String text(String line) {
        return PREFIX.matcher(line).replaceFirst("").strip();
    }
}
