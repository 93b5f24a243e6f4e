package bestfit.model;

import java.util.Optional;

/**
 * How a checkpoint stores its matrices. Bytes a number include the scales: one 32-bit scale per block of 128 × 128 for
 * block FP8, a 16-bit scale and a 4-bit zero per group of 128 for INT4 (AWQ, GPTQ), per 32 for INT4_BY_32, an 8-bit scale per 32 for MXFP4
 * (OCP Microscaling 1.0), per 16 for NVFP4.
 */
public enum WeightFormat {
    FLOAT32("float32", 4),
    HALF("bf16", 2),
    FP8("fp8", 1),
    FP8_BLOCK("fp8 block", 1 + 4.0 / (128 * 128)),
    INT4("int4", 0.5 + 2.5 / 128),
    INT4_BY_32("int4 by 32", 0.5 + 2.5 / 32),
    MXFP4("mxfp4", 0.5 + 1.0 / 32),
    NVFP4("nvfp4", 0.5 + 1.0 / 16);

    private final String label;
    private final double bytes;

    WeightFormat(String label, double bytes) {
        this.label = label;
        this.bytes = bytes;
    }

    public String label() {
        return label;
    }

    /** Of one number, its share of the scales included. */
    public double bytes() {
        return bytes;
    }

    /** True for a checkpoint's own kind of what a flag or a table calls by its method alone. */
    public boolean kindOf(WeightFormat named) {
        return this == named || (this == FP8_BLOCK && named == FP8) || (this == INT4_BY_32 && named == INT4);
    }

    /** A {@code --quantization} value, {@code quant_method}, or the word of a table. */
    public static Optional<WeightFormat> parse(String text) {
        return Optional.ofNullable(
                switch (text.toLowerCase(java.util.Locale.ROOT)) {
                    case "float32", "fp32" -> FLOAT32;
                    case "bf16", "fp16", "bfloat16", "float16", "half", "" -> HALF;
                    // Eight-bit integers weigh the same; their arithmetic is taken for FP8's.
                    case "fp8", "fbgemm_fp8", "int8", "experts_int8" -> FP8;
                    case "fp8_block", "fp8-block" -> FP8_BLOCK;
                    case "awq",
                            "gptq",
                            "awq-int4",
                            "awq_marlin",
                            "gptq_marlin",
                            "int4",
                            "auto-round",
                            "bitsandbytes",
                            "bnb" -> INT4;
                    case "mxfp4", "fp4" -> MXFP4;
                    case "nvfp4", "modelopt_fp4" -> NVFP4;
                    default -> null;
                });
    }

    /** How a table puts it, words in any order: {@code BF16}, {@code W4A16 (AWQ)}, {@code fp8-dynamic}. */
    public static Optional<WeightFormat> ofWords(String text) {
        var whole = parse(text.strip());
        return whole.isPresent() ? whole : CheckpointName.format(text);
    }
}
