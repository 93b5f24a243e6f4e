package bestfit.engine;

import bestfit.openai.PythonText;
import tools.jackson.databind.JsonNode;

/** Values that argparse takes and vLLM's configs refuse, in pydantic's words. */
final class ValueBounds {
    private ValueBounds() {}

    /** A whole number below its least. */
    static ArgumentError refuse(String flag, long value, int least) {
        if (config(flag).isEmpty()) {
            return new ArgumentError(
                    "argument " + flag + ": invalid value: " + value + " (it must be at least " + least + ")");
        }
        return flag.equals("--block-size")
                ? invalid(flag, String.valueOf(value), "int", "greater_than", "greater than 0")
                : invalid(
                        flag, String.valueOf(value), "int", "greater_than_equal", "greater than or equal to " + least);
    }

    /**
     * A number beyond a bound.
     *
     * @param kind pydantic's error type
     * @param bound what it should be, in words
     */
    static ArgumentError refuse(String flag, double value, String kind, String bound) {
        return invalid(flag, PythonText.number(value), "float", kind, bound);
    }

    /** JSON of another kind. */
    static ArgumentError refuseNoObject(String flag, JsonNode value) {
        return ArgumentError.inConfig("1 validation error for " + config(flag) + "\n"
                + flag.substring(2).replace('-', '_') + "\n  Input should be a valid dictionary [type=dict_type,"
                + " input_value=" + PythonText.repr(value) + ", input_type=" + PythonText.type(value) + "]");
    }

    private static ArgumentError invalid(String flag, String value, String type, String kind, String bound) {
        return ArgumentError.inConfig("1 validation error for " + config(flag) + "\n"
                + flag.substring(2).replace('-', '_') + "\n  Input should be " + bound + " [type=" + kind
                + ", input_value=" + value + ", input_type=" + type + "]");
    }

    /** The config that has the flag's value; empty for those of this engine alone. */
    private static String config(String flag) {
        return switch (flag) {
            case "--max-num-seqs",
                    "--max-num-batched-tokens",
                    "--long-prefill-token-threshold",
                    "--stream-interval",
                    "--watermark" -> "SchedulerConfig";
            case "--tensor-parallel-size", "--pipeline-parallel-size" -> "ParallelConfig";
            case "--block-size", "--gpu-memory-utilization" -> "CacheConfig";
            case "--max-model-len", "--max-logprobs", "--override-generation-config" -> "ModelConfig";
            case "--shutdown-timeout" -> "VllmConfig";
            case "--cpu-offload-gb" -> "UVAOffloadConfig";
            default -> "";
        };
    }
}
