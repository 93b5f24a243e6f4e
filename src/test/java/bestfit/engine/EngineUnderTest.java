package bestfit.engine;

import bestfit.config.Json;
import bestfit.http.HttpClient;
import bestfit.http.HttpClient.Answer;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;

/** A real engine on a free port with the calls that tests make. */
final class EngineUnderTest implements AutoCloseable {
    static final String CHAT = "/v1/chat/completions";
    static final String TEXT = "/v1/completions";
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    final EngineServer server;
    private final HttpClient client = new HttpClient();

    private EngineUnderTest(EngineServer server) {
        this.server = server;
    }

    /** With a small KV space of its own unless the arguments name one: the default's quarter of a GB stays as long as the test class. */
    static EngineUnderTest start(String... args) {
        boolean sized = List.of(args).contains("--simulate") || List.of(args).contains("--num-gpu-blocks-override");
        var small = sized ? Stream.<String>empty() : Stream.of("--kv-cache-memory-bytes", "64M");
        return serving("tiny", Stream.concat(small, Arrays.stream(args)).toArray(String[]::new));
    }

    static EngineUnderTest serving(String model, String... args) {
        var all = Stream.concat(Stream.of(model, "--port", "0", "--disable-log-stats"), Arrays.stream(args))
                .toList();
        return serving(all, EngineLog.SILENT);
    }

    /** Logs to {@code log}, statistics included. */
    static EngineUnderTest logging(OutputStream log, String model, String... args) {
        var all = Stream.concat(Stream.of(model, "--port", "0"), Arrays.stream(args))
                .toList();
        return serving(all, new EngineLog(new PrintStream(log, true, StandardCharsets.UTF_8)));
    }

    private static EngineUnderTest serving(List<String> args, EngineLog log) {
        try {
            return new EngineUnderTest(EngineServer.start(EngineArgs.read(args, OptionalInt.of(8)), log));
        } catch (ArgumentError | StartFailure | IOException | InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    Answer post(String path, String body) {
        return post(path, body.getBytes(StandardCharsets.UTF_8));
    }

    Answer post(String path, byte[] body) {
        try {
            return client.call("POST", server.url() + path, Map.of("Content-Type", "application/json"), body, PATIENCE);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    JsonNode json(String path, String body) {
        var answer = post(path, body);
        if (answer.status() != 200) {
            throw new AssertionError(answer.status() + " " + answer.text());
        }
        return Json.parse(answer.text());
    }

    Answer get(String path) {
        try {
            return client.get(server.url() + path, PATIENCE);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    /** The events of a streamed answer without the closing {@code [DONE]}, which must be there. */
    List<JsonNode> stream(String path, String body) {
        var lines = post(path, body).text().split("\n\n", -1);
        var events = new ArrayList<JsonNode>();
        for (int i = 0; i < lines.length - 2; i++) {
            events.add(Json.parse(lines[i].substring("data: ".length())));
        }
        if (!lines[lines.length - 2].equals("data: [DONE]")) {
            throw new AssertionError("no [DONE] but " + lines[lines.length - 2]);
        }
        return events;
    }

    /** The sum of a metric's series whose labels contain {@code label}. */
    double metric(String name, String label) {
        var line = Pattern.compile("(?m)^" + Pattern.quote(name) + "\\{([^}]*)} (\\S+)$")
                .matcher(get("/metrics").text());
        return line.results()
                .filter(found -> found.group(1).contains(label))
                .mapToDouble(found -> Double.parseDouble(found.group(2)))
                .sum();
    }

    double metric(String name) {
        return metric(name, "");
    }

    @Override
    public void close() {
        server.close();
    }
}
