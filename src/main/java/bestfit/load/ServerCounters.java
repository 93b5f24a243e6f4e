package bestfit.load;

import bestfit.http.HttpClient;
import bestfit.metrics.EngineBirth;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * What the servers under test tell of themselves at {@code /metrics}, added up over labels and servers.
 *
 * @param values by name without {@code vllm:}
 * @param born {@link EngineBirth} of each server
 */
public record ServerCounters(long nanos, Map<String, Double> values, List<String> born) {
    private static final Duration PATIENCE = Duration.ofSeconds(5);
    private static final Pattern SAMPLE = Pattern.compile("vllm:([a-z0-9_]+)(?:\\{[^}]*})? (\\S+)");

    public ServerCounters {
        values = Map.copyOf(values);
        born = List.copyOf(born);
    }

    /** Empty where one of the servers does not tell. */
    static Optional<ServerCounters> read(HttpClient http, LoadTarget target, long nanos) {
        var values = new HashMap<String, Double>();
        var born = new ArrayList<String>();
        for (var url : target.baseUrls()) {
            try {
                var answer = http.call("GET", url + "/metrics", target.headers(), new byte[0], PATIENCE);
                if (answer.status() != 200 || !add(answer.text(), values)) {
                    return Optional.empty();
                }
                born.addAll(EngineBirth.of(answer.text()));
            } catch (IOException untold) {
                return Optional.empty();
            }
        }
        return Optional.of(new ServerCounters(nanos, values, born));
    }

    private static boolean add(String text, Map<String, Double> values) {
        boolean any = false;
        for (var line : text.split("\n", -1)) {
            if (!line.startsWith("vllm:") || line.contains("_bucket{")) {
                continue;
            }
            var sample = SAMPLE.matcher(line);
            if (sample.lookingAt()) {
                try {
                    values.merge(sample.group(1), Double.parseDouble(sample.group(2)), Double::sum);
                    any = true;
                } catch (NumberFormatException noNumber) {
                    // a line of another format tells nothing
                }
            }
        }
        return any;
    }

    /** The first of these that the server tells. */
    public Optional<Double> value(String... names) {
        for (var name : names) {
            var value = values.get(name);
            if (value != null) {
                return Optional.of(value);
            }
        }
        return Optional.empty();
    }
}
