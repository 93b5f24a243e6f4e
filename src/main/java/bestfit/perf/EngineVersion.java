package bestfit.perf;

import bestfit.args.VllmArgs;
import bestfit.config.ConfigException;
import java.util.List;
import java.util.regex.Pattern;

/**
 * A release of vLLM as far as defaults differ.
 *
 * @param async the next step is scheduled while one runs: by default since 0.14
 * @param v0 the V0 engine: 0.8.1 as gonka's MLNode runs it (VLLM_USE_V1=0), and everything older
 */
public record EngineVersion(int minor, int patch, boolean v0, boolean async) {
    private static final List<String> MONTHS =
            List.of("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec");

    private static final Pattern RELEASE = Pattern.compile("0\\.(\\d{1,3})(?:\\.(\\d+))?");

    private static final Pattern DAY =
            Pattern.compile("(?:(" + String.join("|", MONTHS) + ")[a-z]* )?(20\\d\\d)(?:-(\\d\\d))?");

    /** The release measured for this project, taken where none is told. */
    public static final EngineVersion DEFAULT = new EngineVersion(23, 0, false);

    /** An engine that is not vLLM, such as TensorRT-LLM: its runtime is native, its all-reduces are NCCL's. */
    static final EngineVersion OTHER_ENGINE = new EngineVersion(0, 0, false);

    private static final int MID_YEAR = 6;

    /** With the release's own scheduling. */
    public EngineVersion(int minor, int patch, boolean v0) {
        this(minor, patch, v0, !v0 && minor >= 14);
    }

    /** The same as args would have it: V1 has {@code --async-scheduling} and its opposite since 0.10. */
    EngineVersion with(VllmArgs args) {
        return new EngineVersion(minor, patch, v0, !v0 && args.on("async-scheduling", async));
    }

    /** The same with weights in host memory, with which releases before 0.8.3 fall back to V0 (vLLM's pull request 15354). */
    EngineVersion offloading() {
        return vllm() && (minor < 8 || (minor == 8 && patch < 3)) ? new EngineVersion(minor, patch, true) : this;
    }

    /** Finds {@code 0.MINOR.PATCH} in a text; {@link #DEFAULT} if there is none. */
    public static EngineVersion of(String text) {
        var found = RELEASE.matcher(text);
        if (!found.find()) {
            return DEFAULT;
        }
        int minor = Integer.parseInt(found.group(1));
        int patch = found.group(2) == null ? 0 : Integer.parseInt(found.group(2));
        return new EngineVersion(minor, patch, minor < 8 || (minor == 8 && patch <= 1));
    }

    /** The same for what a user gave as a release. @throws ConfigException for a text that names none */
    public static EngineVersion told(String text) {
        if (!RELEASE.matcher(text).find()) {
            throw new ConfigException("engine version " + text + " names no release of vLLM; such as "
                    + DEFAULT.number() + ", or 0.8.1 for V0");
        }
        return of(text);
    }

    /** What a table's row ran: the release it names, else the newest of the time it names. */
    static EngineVersion ofRow(String told, String notes) {
        return RELEASE.matcher(told).find() ? of(told) : ofDay(DAY.matcher(told).find() ? told : notes);
    }

    /** Newest release on a day, such as 2025-10-29 or Oct 2025; {@link #DEFAULT} for a text without one. */
    public static EngineVersion ofDay(String text) {
        var found = DAY.matcher(text);
        if (!found.find()) {
            return DEFAULT;
        }
        int ofYear = found.group(1) != null
                ? 1 + MONTHS.indexOf(found.group(1))
                : found.group(3) == null ? MID_YEAR : Integer.parseInt(found.group(3));
        int month = (Integer.parseInt(found.group(2)) - 2025) * 12 + ofYear;
        // 0.8 came in March 2025, 0.11 in October, 0.14 in January 2026, 0.19 in April.
        int minor =
                month < 3 ? 7 : month < 10 ? 8 + (month - 3) / 2 : month < 13 ? month + 1 : 14 + (month - 13) * 5 / 3;
        return new EngineVersion(Math.min(minor, DEFAULT.minor()), 0, minor < 8);
    }

    boolean vllm() {
        return minor > 0;
    }

    /** Middle of the names of the constants of the CPU's time a step. */
    String kind() {
        return v0 ? "v0" : async ? "async" : vllm() ? "sync" : "other";
    }

    /** Such as 0.23.0. */
    public String number() {
        return "0." + minor + "." + patch;
    }

    @Override
    public String toString() {
        return number() + (v0 ? " V0" : "");
    }
}
