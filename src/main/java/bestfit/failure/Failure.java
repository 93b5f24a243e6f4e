package bestfit.failure;

import java.time.Duration;
import java.util.List;

/**
 * Why an engine could not be started or stopped serving. Each kind carries the log lines that show it, the telling one
 * first.
 */
public sealed interface Failure {
    /** The log lines that show it, the most telling first; empty when the engine wrote none. */
    List<String> evidence();

    /** The stable name of the kind, for JSON and databases. */
    String name();

    /** One line for a person: the telling log line, or what is known without one. */
    default String line() {
        return evidence().isEmpty() ? name() : evidence().getFirst();
    }

    /** Device or host memory does not hold weights and activations. */
    record OutOfMemory(List<String> evidence) implements Failure {
        public OutOfMemory {
            evidence = List.copyOf(evidence);
        }

        @Override
        public String name() {
            return "out-of-memory";
        }
    }

    /** What is left for the KV cache does not hold one sequence of the longest allowed length. */
    record KvTooSmall(List<String> evidence) implements Failure {
        public KvTooSmall {
            evidence = List.copyOf(evidence);
        }

        @Override
        public String name() {
            return "kv-too-small";
        }
    }

    /** An argument is unknown, has a bad value, or contradicts another or the model. */
    record BadArg(List<String> evidence) implements Failure {
        public BadArg {
            evidence = List.copyOf(evidence);
        }

        @Override
        public String name() {
            return "bad-arg";
        }
    }

    /** Heads, dimensions or experts do not split evenly over the layout. */
    record NotDivisible(List<String> evidence) implements Failure {
        public NotDivisible {
            evidence = List.copyOf(evidence);
        }

        @Override
        public String name() {
            return "not-divisible";
        }
    }

    /** One instance needs more devices than the server has. */
    record DeviceCount(List<String> evidence) implements Failure {
        public DeviceCount {
            evidence = List.copyOf(evidence);
        }

        @Override
        public String name() {
            return "device-count";
        }
    }

    /** A port the deployment needs is taken. */
    record PortInUse(List<String> evidence) implements Failure {
        public PortInUse {
            evidence = List.copyOf(evidence);
        }

        @Override
        public String name() {
            return "port-in-use";
        }
    }

    /** The model's files cannot be found or fetched. */
    record ModelNotFound(List<String> evidence) implements Failure {
        public ModelNotFound {
            evidence = List.copyOf(evidence);
        }

        @Override
        public String name() {
            return "model-not-found";
        }
    }

    /** The engine knows no way to run this model with this feature, type or quantization on this device. */
    record Unsupported(List<String> evidence) implements Failure {
        public Unsupported {
            evidence = List.copyOf(evidence);
        }

        @Override
        public String name() {
            return "unsupported";
        }
    }

    /** Devices could not talk to each other: NCCL, gloo, a rendezvous. */
    record Communication(List<String> evidence) implements Failure {
        public Communication {
            evidence = List.copyOf(evidence);
        }

        @Override
        public String name() {
            return "communication";
        }
    }

    /** The engine's program itself could not be run. */
    record CannotLaunch(List<String> evidence) implements Failure {
        public CannotLaunch {
            evidence = List.copyOf(evidence);
        }

        @Override
        public String name() {
            return "cannot-launch";
        }
    }

    /** Another process freed or took memory while the engine measured how much is free; started alone it may work. */
    record MemoryRace(List<String> evidence) implements Failure {
        public MemoryRace {
            evidence = List.copyOf(evidence);
        }

        @Override
        public String name() {
            return "memory-race";
        }
    }

    /** It failed where nobody let us read the engine's log; naming a cause would be a guess. */
    record Unknown(List<String> evidence) implements Failure {
        public Unknown {
            evidence = List.copyOf(evidence);
        }

        @Override
        public String name() {
            return "unknown (no log access)";
        }
    }

    /** The process ended before it was ready, for no cause known by name. */
    record CrashAtStart(int exitCode, List<String> evidence) implements Failure {
        public CrashAtStart {
            evidence = List.copyOf(evidence);
        }

        @Override
        public String name() {
            return "crash-at-start";
        }
    }

    /** The process lives but was not ready in time. */
    record StartTimeout(Duration limit, List<String> evidence) implements Failure {
        public StartTimeout {
            evidence = List.copyOf(evidence);
        }

        @Override
        public String name() {
            return "start-timeout";
        }

        @Override
        public String line() {
            var told = evidence.isEmpty() ? "the engine wrote nothing" : "last line: " + evidence.getFirst();
            return "not ready after " + limit.toSeconds() + " s; " + told;
        }
    }

    /** The process served and then ended unasked. Exit code 0 is no sign of peace: vLLM exits 0 after its engine died. */
    record DiedUnderLoad(int exitCode, List<String> evidence) implements Failure {
        public DiedUnderLoad {
            evidence = List.copyOf(evidence);
        }

        @Override
        public String name() {
            return "died-under-load";
        }
    }

    /** The process lives, has requests, and produces no token any more. */
    record Hung(Duration silence, List<String> evidence) implements Failure {
        public Hung {
            evidence = List.copyOf(evidence);
        }

        @Override
        public String name() {
            return "hung";
        }

        @Override
        public String line() {
            return "requests run, but no token came for " + silence.toSeconds() + " s";
        }
    }
}
