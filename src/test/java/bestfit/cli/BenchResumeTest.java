package bestfit.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import bestfit.config.Json;
import bestfit.load.EventLog;
import bestfit.metrics.Measurement;
import java.nio.file.Files;
import java.util.concurrent.atomic.AtomicInteger;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What is interrupted is not lost, and is gone on with. */
@Tag("slow")
class BenchResumeTest extends BenchProcess {
    @Test
    void killedRun_isResumed() throws Exception {
        var events = folder.resolve("events.jsonl");
        var run = closedLoop(8, 3000, "--model=m", "--events=" + events);
        killAfter(1000, "bench", run);
        int ended = EventLog.read(events).measurements().size();
        assertThat(ended).isBetween(1, 2999);
        var resumed = joined(run, "--resume");
        var json = bench(0, resumed);
        assertThat(json.at("/counts/ok").intValue()).isEqualTo(3000);
        assertThat(EventLog.read(events).measurements().stream().map(Measurement::index))
                .hasSize(3000)
                .doesNotHaveDuplicates();
        var again = bench(0, resumed);
        assertThat(again.at("/counts/ok").intValue()).isEqualTo(3000);
        assertThat(again.path("reasons").toString()).doesNotContain("No request succeeded with any text");
        assertThat(again.path("notes").toString()).contains("Nothing was left to send");
    }

    @Test
    void killedSweep_isResumed() throws Exception {
        String[] sweep = {
            "--users=1,4,2",
            "--requests=600",
            "--prompt-tokens=9",
            "--output-tokens=5",
            "--model=m",
            "--events=" + folder.resolve("sweep.jsonl")
        };
        killAfter(800, "bench sweep", sweep);
        assertThat(EventLog.read(folder.resolve("sweep.1-users-1.jsonl")).measurements())
                .hasSize(600);
        int ended = EventLog.read(folder.resolve("sweep.2-users-4.jsonl"))
                .measurements()
                .size();
        assertThat(folder.resolve("sweep.3-users-2.jsonl")).doesNotExist();
        requests.clear();
        var resumed = ended(0, begin("bench sweep", joined(sweep, "--resume")));
        assertThat(resumed.path("sweep")
                        .valueStream()
                        .map(run -> run.at("/counts/ok").intValue()))
                .containsExactly(600, 600, 600);
        assertThat(requests).hasSize(600 - ended + 600);
        requests.clear();
        assertThat(ended(0, begin("bench sweep", joined(sweep, "--resume"))).path("sweep"))
                .hasSize(3);
        assertThat(requests).isEmpty();
    }

    /** The server takes 120 requests, two probes of 60, and refuses all that come later. */
    @Test
    void killedSearch_isResumed() throws Exception {
        var refused = new AtomicInteger();
        handler = exchange -> {
            if (prompts.size() < 120) {
                answer(exchange);
            } else {
                refused.incrementAndGet();
                exchange.json(503, Json.object());
            }
        };
        String[] search = {
            "--from=40",
            "--precision=0.5",
            "--slo=tpot:1000",
            "--requests=60",
            "--prompt-tokens=9",
            "--output-tokens=5",
            "--model=m",
            "--events=" + folder.resolve("search.jsonl")
        };
        var process = begin("bench search", search);
        Awaitility.await().until(() -> requests.size() > 80);
        process.toHandle().destroyForcibly();
        process.waitFor();
        assumeThat(folder.resolve("search.1-rate-40.0.jsonl"))
                .as("a client that this machine keeps from sending in time asks again")
                .exists();
        int ended = EventLog.read(folder.resolve("search.2-rate-80.0.jsonl"))
                .measurements()
                .size();
        requests.clear();
        var found = ended(0, begin("bench search", joined(search, "--resume")));
        assumeThat(found.findValues("verdict")).isEmpty();
        assertThat(found.path("rate").doubleValue()).isEqualTo(80);
        assertThat(found.at("/probes/0/requests").intValue()).isEqualTo(60);
        assertThat(requests).hasSize(60 - ended);
        assertThat(refused.get()).isPositive();
        requests.clear();
        refused.set(0);
        assertThat(ended(0, begin("bench search", joined(search, "--resume")))).isEqualTo(found);
        assertThat(requests).isEmpty();
        assertThat(refused.get()).isZero();
    }

    @Test
    void runThatLastedLongEnough_hasNothingToResume() throws Exception {
        String[] run = {
            "--concurrency=2",
            "--duration=1s",
            "--prompt-tokens=9",
            "--output-tokens=5",
            "--model=m",
            "--warmup=1",
            "--events=" + folder.resolve("events.jsonl")
        };
        int ok = bench(0, run).at("/counts/ok").intValue();
        requests.clear();
        assertThat(bench(0, joined(run, "--resume")).at("/counts/ok").intValue())
                .isEqualTo(ok);
        assertThat(requests).isEmpty();
    }

    /** Killed when half of the conversations had had their first turn only; the server counted both parts, the client looked at the second. */
    @Test
    void conversationsThatWereCut_areBegunAnew() throws Exception {
        share = 1;
        var events = folder.resolve("events.jsonl");
        String[] run = {
            "--rate=200",
            "--burstiness=inf",
            "--requests=20",
            "--turns=2",
            "--prompt-tokens=9",
            "--output-tokens=5",
            "--model=m",
            "--events=" + events
        };
        bench(0, run);
        var lines = Files.readAllLines(events);
        Files.write(
                events,
                lines.stream()
                        .filter(line -> !line.matches("\\{\"i\":1[13579],.*"))
                        .toList());
        assertThat(EventLog.read(events).measurements()).hasSize(15);
        requests.clear();
        var resumed = bench(0, joined(run, "--resume"));
        assertThat(requests).hasSize(10);
        assertThat(resumed.at("/counts/ok").intValue()).isEqualTo(20);
        assertThat(resumed.path("notes").toString())
                .contains("after the interruption")
                .doesNotContain("several engines");
    }

    /** A run that was killed before it had begun, the same command given twice, and files that cannot be written in the end. */
    @Test
    void nothingMeasured_isLost() throws Exception {
        var events = folder.resolve("events.jsonl");
        var run = closedLoop(2, 4, "--model=m", "--events=" + events);
        assertThat(bench(0, joined(run, "--resume")).at("/counts/ok").intValue())
                .isEqualTo(4);
        assertThat(bench(0, run).at("/counts/ok").intValue()).isEqualTo(4);
        assertThat(EventLog.read(folder.resolve("events.jsonl.1")).measurements())
                .hasSize(4);
        assertThat(EventLog.read(events).measurements()).hasSize(4);
        int before = requests.size();
        var unwritable = joined(
                run,
                "--csv=" + folder,
                "--save-result=" + folder.resolve("none/r.json"),
                "--compressa-db=" + events,
                "--warmup=-1");
        var err = bench(2, unwritable).path("err").asString();
        assertThat(err)
                .contains(
                        "--csv: ",
                        "--save-result: ",
                        "events.jsonl is not an SQLite database",
                        "another file with --compressa-db",
                        "--warmup: ");
        assertThat(requests).hasSize(before);
    }

    /** What could be written before the first request and no longer after the last. */
    @Test
    void exportsThatFail_areAllTold() throws Exception {
        handler = exchange -> {
            folder.resolve("r.csv").toFile().mkdir();
            folder.resolve("r.sqlite").toFile().mkdir();
            answer(exchange);
        };
        var run = closedLoop(
                2,
                4,
                "--model=m",
                "--csv=" + folder.resolve("r.csv"),
                "--compressa-db=" + folder.resolve("r.sqlite"),
                "--save-result=" + folder.resolve("r.json"));
        assertThat(bench(2, run).at("/counts/ok").intValue()).isEqualTo(4);
        assertThat(Files.readString(folder.resolve("err")))
                .contains("r.csv cannot be written", "r.sqlite is a folder; --compressa-db takes a file");
        assertThat(folder.resolve("r.json")).isRegularFile();
    }
}
