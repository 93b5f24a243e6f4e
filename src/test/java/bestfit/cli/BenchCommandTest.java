package bestfit.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.Assumptions.assumeThat;

import bestfit.config.Json;
import bestfit.http.Exchange;
import bestfit.http.HttpClient;
import bestfit.load.EventLog;
import bestfit.metrics.Measurement;
import java.nio.file.Files;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("slow")
class BenchCommandTest extends BenchProcess {
    private static final double CAPACITY = 50;
    private static final double MOST_AT_ONCE = 10;

    private double room = MOST_AT_ONCE;
    private long filledNanos = System.nanoTime();

    /** Takes 50 requests a second, up to 10 of them at once, and refuses what is more: no late machine leaves it a backlog. */
    private void answerUpToItsCapacity(Exchange exchange) {
        boolean taken;
        synchronized (this) {
            long now = System.nanoTime();
            room = Math.min(MOST_AT_ONCE, room + (now - filledNanos) * CAPACITY / 1e9);
            filledNanos = now;
            taken = room >= 1;
            room -= taken ? 1 : 0;
        }
        if (taken) {
            answer(exchange);
        } else {
            exchange.json(503, Json.parse("{\"error\":{\"message\":\"no room\",\"code\":503}}"));
        }
    }

    /** A node's balanced port may show the same one of its two engines at each look, and that one made half of the tokens. */
    @Test
    void countersOfOneEngineOfSeveral_areNoServersCounters() throws Exception {
        share = 0.5;
        var half = bench(0, closedLoop(2, 20));
        assertThat(half.has("server")).isFalse();
        assertThat(half.path("notes").toString()).contains("tell 50 of the 100 output tokens", "several engines");
        share = 1;
        var all = bench(0, closedLoop(2, 20));
        assertThat(all.at("/server/output_tokens/gap").doubleValue()).isZero();
        assertThat(all.path("notes").toString()).doesNotContain("several engines");
    }

    @Test
    void closedLoop_sendsExactUniquePrompts() throws Exception {
        var json = bench(0, closedLoop(4, 60, "--slo=ttft:10000", "--token-env=BENCH_TOKEN"));
        assertThat(json.at("/counts/ok").intValue()).isEqualTo(60);
        assertThat(json.at("/counts/failed").isEmpty()).isTrue();
        assertThat(json.at("/counts/tokens/template").intValue()).isEqualTo(TEMPLATE);
        assertThat(json.at("/counts/output_tokens").intValue()).isEqualTo(300);
        assertThat(json.at("/metrics/goodput/share").doubleValue()).isEqualTo(1);
        assertThat(json.at("/metrics/in_flight/max").intValue()).isBetween(1, 4);
        for (var name : List.of("ttft_ms", "e2e_ms", "first_response_ms")) {
            assertThat(json.at("/metrics/" + name + "/p99").doubleValue())
                    .as(name)
                    .isPositive();
        }
        // this server writes its tokens at once: one read may bring them all
        for (var name : List.of("tpot_ms", "itl_ms", "gap_ms", "stall_ms")) {
            assertThat(json.at("/metrics/" + name + "/p99").isNumber()).as(name).isTrue();
        }
        assertThat(prompts).hasSize(60).allMatch(prompt -> words(prompt) == 9);
        assertThat(requests)
                .allMatch(request -> request.path("ignore_eos").booleanValue()
                        && request.path("model").asString().equals("first"));
        assertThat(tokens).containsOnly("Bearer let me in");
    }

    /** Of 60 requests at a rate of r, 50 / r and up to 10 more are taken: 80 % of them up to a rate of 62 to 79. */
    @Test
    void search_findsTheServersCapacity_andSweepItsThroughput() throws Exception {
        handler = this::answerUpToItsCapacity;
        String[] load = {"--model=m", "--prompt-tokens=9", "--output-tokens=1"};
        var searching = begin(
                "bench search",
                joined(
                        load,
                        "--slo=e2e:400",
                        "--share=0.8",
                        "--requests=60",
                        "--burstiness=inf",
                        "--from=35",
                        "--precision=0.2"));
        assertThat(searching.waitFor(120, TimeUnit.SECONDS)).isTrue();
        var found = Json.parse(Files.readAllLines(folder.resolve("out")).getLast());
        assumeThat(found.at("/probes/" + (found.at("/probes").size() - 1) + "/verdict")
                        .asString(""))
                .as("a client that this machine keeps from sending in time says so and ends")
                .isNotEqualTo("INVALID");
        assertThat(found.at("/rate").doubleValue()).as(found.toString()).isBetween(50.0, 80.0);
        assertThat(found.at("/fails_at").doubleValue()).isBetween(62.0, 100.0);
        var swept = ended(0, begin("bench sweep", joined(load, "--rates=20,100", "--requests=40")))
                .at("/sweep");
        assertThat(swept).hasSize(2);
        assertThat(swept.at("/0/counts/ok").intValue()).isEqualTo(40);
        assertThat(swept.at("/1/counts/failed/http_status").intValue()).isPositive();
    }

    /** At 5 a second, 10 ms hold no request most of the time. */
    @Test
    void search_lengthensAProbeThatWouldSendNothing() throws Exception {
        String[] search = {
            "--from=5",
            "--most=5",
            "--duration=10ms",
            "--slo=ttft:200",
            "--prompt-tokens=9",
            "--output-tokens=5",
            "--model=m"
        };
        assertThat(begin("bench search", search).waitFor(60, TimeUnit.SECONDS)).isTrue();
        assertThat(requests).isNotEmpty();
        assertThat(Files.readString(folder.resolve("err"))).doesNotContain("No request succeeded with any text");
    }

    @Test
    void serverThatWantsAKey_isSaidToWantOne() throws Exception {
        locked = true;
        assertThat(bench(2, closedLoop(1, 2)).path("err").asString()).contains("answered 401", "--token-env");
        assertThat(bench(2, closedLoop(1, 2, "--model=m")).path("err").asString())
                .contains("/tokenize answered 401", "--token-env");
    }

    /** What would be left out of account, or break what is sent, is told before anything is. */
    @Test
    void flagsWithoutEffect_areRefused() throws Exception {
        var token = Files.writeString(folder.resolve("token"), "\n");
        var err = bench(
                        2,
                        closedLoop(
                                1,
                                2,
                                "http://me:secret@127.0.0.1:9",
                                "http://127.0.0.1:9/v1/chat/completions",
                                "http://127.0.0.1:99999",
                                "http://127.0.0.1:9/#part",
                                "--shared-prefixes=3",
                                "--think-time=1s",
                                "--repeat",
                                "--slo=ttft:500,ttft:400",
                                "--token-file=" + token,
                                "--header=Content-Length=5",
                                "--csv=same",
                                "--save-result=same"))
                .path("err")
                .asString();
        assertThat(err)
                .contains("password for \"127.0.0.1\" are not allowed", "/v1/chat/completions\" is not allowed")
                .contains("127.0.0.1:99999\" is not allowed", "/#part\" is not allowed")
                .doesNotContain("secret")
                .contains("--shared-prefixes: ", "--think-time: ", "--repeat: ", "has ttft twice")
                .contains("token\" is empty", "\"Content-Length\" is not allowed", "\"same\" is one file");
        assertThat(requests).isEmpty();
    }

    @Test
    void urlOfOpenAisClients_isTaken() throws Exception {
        urlEnd = "/v1/";
        assertThat(bench(0, closedLoop(1, 2)).at("/counts/ok").intValue()).isEqualTo(2);
    }

    /** The last answer of two seconds may be late on a loaded machine; what was due when may not. */
    @Test
    void openLoop_keepsItsRate() throws Exception {
        var events = folder.resolve("events.jsonl");
        var json = bench(
                0,
                "--rate=100",
                "--burstiness=inf",
                "--duration=2s",
                "--prompt-tokens=9",
                "--output-tokens=5",
                "--events=" + events);
        assertThat(json.at("/counts/ok").intValue()).isBetween(198, 200);
        assertThat(json.at("/metrics/requests_s/mean").doubleValue()).isBetween(75.0, 105.0);
        var sent = EventLog.read(events).measurements().stream()
                .sorted(Comparator.comparingInt(Measurement::index))
                .toList();
        for (var each : sent) {
            long due = sent.getFirst().intendedNanos() + each.index() * 10_000_000L;
            assertThat(each.intendedNanos()).isCloseTo(due, within(1_000L));
            assertThat(each.startNanos()).isGreaterThanOrEqualTo(each.intendedNanos());
        }
    }

    @Test
    void whileItRuns_prometheusReads_andTheOwnErrorIsKept() throws Exception {
        String[] run = {
            "--concurrency=2",
            "--duration=10m",
            "--prompt-tokens=9",
            "--output-tokens=5",
            "--calibrate",
            "--metrics-port=0"
        };
        var process = begin(run);
        var err = folder.resolve("err");
        Awaitility.await().until(() -> Files.readString(err).contains("/metrics"));
        var url = Files.readString(err).replaceFirst("(?s).*metrics at (\\S+).*", "$1");
        var http = new HttpClient();
        Awaitility.await()
                .atMost(Duration.ofMinutes(1))
                .until(
                        () -> http.call("GET", url, Map.of(), new byte[0], Duration.ofSeconds(5))
                                .text()
                                .matches(
                                        "(?s).*requests_total\\{outcome=\"ok\"} [1-9].*_seconds_bucket\\{le=\"\\+Inf\"} [1-9].*"));
        process.destroy();
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        var json = Json.parse(Files.readAllLines(folder.resolve("out")).getLast());
        assertThat(json.at("/instrument/own_error_ms/requests").intValue()).isEqualTo(4);
        assertThat(json.at("/instrument/own_error_ms/ttft_mean").isNumber()).isTrue();
        assertThat(json.at("/instrument/round_trip_ms/least").doubleValue()).isPositive();
        int ended = 0;
        for (var window : json.path("windows")) {
            ended += window.path("ok").intValue();
        }
        assertThat(ended).isPositive().isEqualTo(json.at("/counts/ok").intValue());
    }

    @Test
    void badInput_isToldAllAtOnce() throws Exception {
        var err = bench(
                        2,
                        "--rate=1",
                        "--concurrency=1",
                        "--requests=-3",
                        "--prompt-tokens=9",
                        "--output-tokens=5",
                        "--slo=fast:1",
                        "--endpoint=/x",
                        "--header=Two words=x")
                .path("err")
                .asString();
        assertThat(err).contains("--concurrency", "--requests: \"-3\"", "--slo", "--endpoint", "--header");
        var tooLong = bench(2, "--concurrency=1", "--requests=1", "--prompt-tokens=150", "--output-tokens=60");
        assertThat(tooLong.path("err").asString()).contains("215", "200 tokens");
        var both = bench(2, "--concurrency=0", "--requests=1", "--prompt-tokens=150", "--output-tokens=60");
        assertThat(both.path("err").asString()).contains("--concurrency", "200 tokens");
        var file = Files.writeString(
                folder.resolve("long.jsonl"), "{\"prompt\": \"" + "a ".repeat(160) + "\", \"output_tokens\": 50}\n");
        var traced = bench(2, "--concurrency=1", "--requests=1", "--prompts=" + file);
        assertThat(traced.path("err").asString()).contains("line 1", "200 tokens");
        var noTokenizer = bench(
                2, "--concurrency=1", "--requests=1", "--prompt-tokens=250", "--output-tokens=6", "--tokenizer=none");
        assertThat(noTokenizer.path("err").asString()).contains("--tokenizer", "200 tokens");
        assertThat(requests).isEmpty();
    }

    @Test
    void sweep_tellsWhatItMeasuredBeforeTheServerWent() throws Exception {
        tokenizesUntil = 4;
        String[] sweep = {"--users=1,2,3", "--requests=4", "--prompt-tokens=9", "--output-tokens=5", "--model=m"};
        var swept = ended(1, begin("bench sweep", sweep));
        assertThat(swept.path("sweep")).hasSize(1);
        assertThat(swept.at("/sweep/0/counts/ok").intValue()).isEqualTo(4);
        assertThat(Files.readString(folder.resolve("err"))).contains("/tokenize answered 503");
    }
}
