package bestfit.cli;

import bestfit.config.ConfigException;
import bestfit.config.Json;
import bestfit.http.HttpClient;
import bestfit.load.BenchBody;
import bestfit.load.EventLog;
import bestfit.load.LoadGenerator;
import bestfit.load.LoadJob;
import bestfit.load.LoadResult;
import bestfit.load.LoadTarget;
import bestfit.load.ServerTokenizer;
import bestfit.load.StopSignal;
import bestfit.metrics.Measurement;
import bestfit.metrics.MeasurementSink;
import bestfit.model.Tokenizer;
import bestfit.report.BenchReport;
import bestfit.time.NanoClock;
import bestfit.workload.Extent;
import bestfit.workload.TokenPrompts;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.BitSet;
import java.util.List;
import java.util.OptionalInt;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** One {@code bestfit bench}: prompts, warm-up, run, report; on Ctrl-C the report of what was measured. */
final class BenchSession {
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final int WIND_UP_SECONDS = 10;
    private static final int WARMUP_INDEX = 1 << 30;

    private final BenchSpec spec;
    private final boolean json;
    private final StopSignal stop = new StopSignal();

    BenchSession(BenchSpec spec, boolean json) {
        this.spec = spec;
        this.json = json;
    }

    int run() throws InterruptedException {
        var target = target();
        var tokens = spec.tokenizer() == null
                ? new ServerTokenizer(target)
                : new FileTokenizer(Tokenizer.ofFile(spec.tokenizer()));
        var prompts = TokenPrompts.find(tokens, spec.promptTokens(), spec.seed());
        var template = spec.chat() ? templateTokens(tokens.countChat(prompts.prompt(0))) : OptionalInt.of(0);
        checkContext(tokens instanceof ServerTokenizer server ? server.contextTokens() : OptionalInt.empty(), template);
        var body = new BenchBody(target.model(), prompts, spec.chat(), spec.outputTokens(), spec.temperature());
        var before = before(target.model());
        var finished = new CountDownLatch(1);
        var onSignal = new Thread(() -> windUp(finished), "bestfit-stop");
        try (var generator = LoadGenerator.open();
                var log = log(target.model())) {
            Runtime.getRuntime().addShutdownHook(onSignal);
            warmUp(generator, target, body);
            var result = measure(generator, target, body, before, log == null ? _ -> {} : log);
            var report = new BenchReport(
                    spec.json(target.model()),
                    BenchReport.joined(before, result.measurements()),
                    result,
                    spec.slo(),
                    spec.promptTokens(),
                    template,
                    spec.shape() instanceof BenchSpec.Users(int count) ? OptionalInt.of(count) : OptionalInt.empty());
            System.out.println(json ? Json.write(report.json()) : report.text());
            return stop.isStopped() ? ExitCode.STOPPED : report.anySuccess() ? ExitCode.OK : ExitCode.FAILED;
        } finally {
            finished.countDown();
            if (!stop.isStopped()) {
                Runtime.getRuntime().removeShutdownHook(onSignal);
            }
        }
    }

    private LoadTarget target() {
        var asked = spec.model();
        return new LoadTarget(spec.url(), asked == null ? firstModel() : asked, spec.headers());
    }

    private String firstModel() {
        var url = new LoadTarget(spec.url(), "").baseUrl() + "/v1/models";
        try {
            var answer = new HttpClient().call("GET", url, spec.headers(), new byte[0], PATIENCE);
            var id = answer.json()
                    .map(models -> models.at("/data/0/id").asString(""))
                    .orElse("");
            if (id.isEmpty()) {
                throw new ConfigException(
                        url + " answered " + answer.status() + " and no model; name it with --model.");
            }
            return id;
        } catch (IOException e) {
            throw new ConfigException(e.getMessage() + ". Start the server, or correct the URL.");
        }
    }

    private OptionalInt templateTokens(OptionalInt whole) {
        return whole.isPresent() ? OptionalInt.of(whole.getAsInt() - spec.promptTokens()) : OptionalInt.empty();
    }

    private void checkContext(OptionalInt context, OptionalInt template) {
        int needed = spec.promptTokens() + template.orElse(0) + spec.outputTokens();
        if (context.isPresent() && needed > context.getAsInt()) {
            throw new ConfigException("--prompt-tokens " + spec.promptTokens() + " and --output-tokens "
                    + spec.outputTokens() + " with " + template.orElse(0) + " tokens of the chat template are " + needed
                    + ", more than the server's context of " + context.getAsInt() + " tokens.");
        }
    }

    /** What an interrupted run left in its events file. */
    private List<Measurement> before(String model) {
        var events = spec.events();
        if (!spec.resume() || events == null) {
            return List.of();
        }
        var contents = EventLog.read(events);
        if (!contents.run().equals(Json.parse(Json.write(spec.json(model))))) {
            throw new ConfigException("--resume: " + events + " holds another run: " + contents.run() + ".");
        }
        return contents.measurements();
    }

    private @Nullable EventLog log(String model) {
        Path events = spec.events();
        if (events == null) {
            return null;
        }
        return spec.resume() ? EventLog.append(events) : EventLog.create(events, spec.json(model));
    }

    private void warmUp(LoadGenerator generator, LoadTarget target, BenchBody body) throws InterruptedException {
        if (spec.warmup() > 0) {
            var job = new LoadJob(
                    body,
                    spec.arrivals(0),
                    new Extent.Requests(spec.warmup()),
                    spec.timeLimits(),
                    0,
                    WARMUP_INDEX,
                    new BitSet(),
                    -1);
            generator.run(target, spec.endpoint(), job, _ -> {}, stop);
        }
    }

    private LoadResult measure(
            LoadGenerator generator, LoadTarget target, BenchBody body, List<Measurement> before, MeasurementSink sink)
            throws InterruptedException {
        var skip = new BitSet();
        before.forEach(m -> skip.set(m.index()));
        var job = new LoadJob(
                body, spec.arrivals(before.size()), spec.extent(), spec.timeLimits(), spec.outputTokens(), 0, skip, 0);
        int total = spec.extent().mostRequests(0) - before.size();
        var shown = total > 0
                ? new ProgressLine(sink, "", total, System.err, Terminal.onStandardError(), NanoClock.SYSTEM)
                : sink;
        return generator.run(target, spec.endpoint(), job, shown, stop);
    }

    /** Runs while the JVM goes down: it ends when this returns, so the report is printed first. */
    private void windUp(CountDownLatch finished) {
        stop.cut();
        try {
            if (!finished.await(WIND_UP_SECONDS, TimeUnit.SECONDS)) {
                System.err.println("bestfit: the report could not be made in time; the events file holds what ended.");
            }
        } catch (InterruptedException goingDownAnyway) {
            Thread.currentThread().interrupt();
        }
    }
}
