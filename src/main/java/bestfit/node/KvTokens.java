package bestfit.node;

import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/** How many tokens an engine's KV cache holds, as it tells it. Pure. */
final class KvTokens {
    /** A label of {@code vllm:cache_config_info}; vLLM 0.23 has none yet, 0.32 does. */
    private static final Pattern LABEL = Pattern.compile("[{,]kv_cache_size_tokens=\"(\\d{1,18})\"");

    /** {@code GPU KV cache size: 816,640 tokens}; of builds for processors {@code CPU KV cache size}. */
    private static final Pattern LINE = Pattern.compile("\\bKV cache size: (\\d[\\d,]{0,22}) tokens\\b");

    private KvTokens() {}

    /**
     * From its metrics, else from the line that every version logs at its start.
     *
     * @param log of this start, oldest line first
     */
    static Optional<Long> of(Optional<String> metrics, List<String> log) {
        return metrics.flatMap(
                        text -> LABEL.matcher(text).results().findFirst().map(found -> Long.valueOf(found.group(1))))
                .or(() -> log.stream()
                        .flatMap(line -> LINE.matcher(line).results())
                        .findFirst()
                        .map(found -> Long.valueOf(found.group(1).replace(",", ""))));
    }
}
