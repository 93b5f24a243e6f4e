package bestfit.cli;

import bestfit.config.Json;
import bestfit.http.HttpClient;
import bestfit.http.HttpServer;
import bestfit.http.RelayWarmUp;
import bestfit.http.Router;
import bestfit.node.NodeServer;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PipedInputStream;
import java.io.PipedOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * What the launcher runs once after a build so that the JVM can keep the classes of every command, loaded and
 * linked, in an AOT cache (JEP 514). Its output is of no use to anybody. The argument {@code engine} trains for the
 * engine, which has a cache of its own; without it, for everything else.
 */
final class AotTraining {
    private static final Duration PATIENCE = Duration.ofSeconds(20);

    /** The cache keeps what was hot (JEP 515), so that the first long prompt finds its loops known. */
    private static final List<Integer> PROMPTS = List.of(1, 300, 10, 300);

    private static final int ANSWER = 64;

    private AotTraining() {}

    public static void main(String[] args) throws IOException, InterruptedException {
        if (List.of(args).equals(List.of("engine"))) {
            serveAnswers();
        } else {
            Main.run("version", "--json");
            for (var name : List.copyOf(Main.commandLine().getSubcommands().keySet())) {
                Main.run("help", name);
            }
            Main.run("plan", "--no-predict", "--json");
            measureOnce();
            NodeServer.warmUp();
            RelayWarmUp.await();
            Main.run("help");
        }
        System.exit(ExitCode.OK);
    }

    /** The load generator's rehearsal, prompts and report, against a server that answers every request in one piece and counts. */
    private static void measureOnce() throws IOException {
        var answers = new AtomicInteger();
        var answer = """
                data: {"choices":[{"index":0,"delta":{"content":"a"}}]}

                data: {"choices":[{"index":0,"delta":{"content":"b"},"finish_reason":"length"}]}

                data: {"choices":[],"usage":{"prompt_tokens":8,"completion_tokens":2}}

                data: [DONE]

                """;
        var router = new Router()
                .get("/metrics", exchange -> exchange.text(200, counters(answers.get())))
                .post("/v1/chat/completions", exchange -> {
                    answers.incrementAndGet();
                    exchange.text(200, answer);
                })
                .post("/tokenize", exchange -> {
                    var text = Json.parse(new String(exchange.body(), StandardCharsets.UTF_8))
                            .path("prompt")
                            .asString("");
                    exchange.json(200, Json.object().put("count", text.split(" ", -1).length));
                });
        try (var server = HttpServer.start("127.0.0.1", 0, HttpServer.Limits.DEFAULTS, router)) {
            for (var format : List.of("--json", "--seed=1")) {
                var events = Files.createTempFile("bestfit-training", ".jsonl");
                Main.run(
                        "bench",
                        server.url(),
                        "--model=m",
                        "--concurrency=2",
                        "--requests=4",
                        "--prompt-tokens=8",
                        "--output-tokens=2",
                        "--slo=ttft:100",
                        "--events=" + events,
                        format);
                Files.delete(events);
            }
        }
    }

    private static String counters(int answers) {
        return """
                vllm:num_requests_running{engine="0"} 1
                vllm:num_requests_waiting{engine="0"} 0
                vllm:kv_cache_usage_perc{engine="0"} 0.1
                vllm:prompt_tokens_total{engine="0"} %1$d
                vllm:generation_tokens_total{engine="0"} %2$d
                vllm:time_to_first_token_seconds_sum{engine="0"} %3$d
                vllm:time_to_first_token_seconds_count{engine="0"} %3$d
                vllm:e2e_request_latency_seconds_sum{engine="0"} %3$d
                vllm:e2e_request_latency_seconds_count{engine="0"} %3$d
                """.formatted(8 * answers, 2 * answers, answers);
    }

    /** Starts the engine in this JVM, asks it a few times, and ends it as a parent process does: by closing its input. */
    private static void serveAnswers() throws IOException, InterruptedException {
        var toEngine = new PipedOutputStream();
        System.setIn(new PipedInputStream(toEngine));
        var fromEngine = new PipedInputStream();
        System.setOut(new PrintStream(new PipedOutputStream(fromEngine), true, StandardCharsets.UTF_8));
        var engine = Thread.ofPlatform().daemon().start(() -> {
            Main.run("engine", "tiny", "--port", "0");
            System.out.close(); // one that could not start must not be waited for
        });
        var ready = new BufferedReader(new InputStreamReader(fromEngine, StandardCharsets.UTF_8)).readLine();
        if (ready == null) {
            return;
        }
        var address = Json.parse(ready).get("engine").asString();
        var client = new HttpClient();
        for (int words : PROMPTS) {
            var question =
                    Json.object().put("model", "tiny").put("max_tokens", ANSWER).put("stream", true);
            question.putArray("messages")
                    .addObject()
                    .put("role", "user")
                    .put("content", "Which layout is best? ".repeat(words));
            client.postJson(address + "/v1/chat/completions", question, PATIENCE);
        }
        client.get(address + "/metrics", PATIENCE);
        toEngine.close();
        engine.join(PATIENCE);
    }
}
