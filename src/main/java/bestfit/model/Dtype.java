package bestfit.model;

import java.util.Optional;

/** The number formats of weights and KV cache. */
public enum Dtype {
    FLOAT32("float32", 4),
    BFLOAT16("bfloat16", 2),
    FLOAT16("float16", 2);

    /** All that {@link #parse} reads. */
    public static final String SPELLINGS = "bfloat16, float16, half, float32, float";

    private final String label;
    private final int bytes;

    Dtype(String label, int bytes) {
        this.label = label;
        this.bytes = bytes;
    }

    /** As Hugging Face and vLLM write it, such as {@code bfloat16}. */
    public String label() {
        return label;
    }

    /** Of one number. */
    public int bytes() {
        return bytes;
    }

    /** Reads the spellings of vLLM's {@code --dtype} and of {@code config.json}; {@code auto} is not one of them. */
    public static Optional<Dtype> parse(String text) {
        return switch (text) {
            case "float32", "float" -> Optional.of(FLOAT32);
            case "bfloat16" -> Optional.of(BFLOAT16);
            case "float16", "half" -> Optional.of(FLOAT16);
            default -> Optional.empty();
        };
    }

    /** The nearest value that this format holds, ties to even. */
    public float round(float value) {
        return switch (this) {
            case FLOAT32 -> value;
            case FLOAT16 -> Float.float16ToFloat(Float.floatToFloat16(value));
            case BFLOAT16 -> {
                if (Float.isNaN(value)) {
                    yield value;
                }
                int bits = Float.floatToRawIntBits(value);
                yield Float.intBitsToFloat((bits + 0x7fff + ((bits >>> 16) & 1)) & 0xffff0000);
            }
        };
    }

    @Override
    public String toString() {
        return label;
    }
}
