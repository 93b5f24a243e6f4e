package bestfit.cli;

import bestfit.config.ConfigException;
import bestfit.config.Problems;
import bestfit.load.LoadTarget;
import bestfit.metrics.Slo;
import bestfit.workload.Extent;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code bestfit bench}: measures an engine under a load of a given shape. */
@Command(
        name = "bench",
        mixinStandardHelpOptions = true,
        description = "Measures an OpenAI-compatible server: closed loop (--concurrency) or open loop (--rate).")
public final class BenchCommand implements Callable<Integer> {
    private static final int MOST_REQUESTS = 10_000_000;
    private static final int MOST_USERS = 20_000;
    private static final int MOST_TOKENS = 10_000_000;
    private static final double LONGEST_SECONDS = 7 * 86_400;

    @Parameters(paramLabel = "URL", description = "Where the OpenAI API answers, without /v1.")
    private String url = "";

    @Option(names = "--model", paramLabel = "M", description = "Model to ask for (default: the server's first).")
    @Nullable
    private String model;

    @Option(names = "--concurrency", paramLabel = "N", description = "Closed loop: so many users, one request each.")
    @Nullable
    private Integer concurrency;

    @Option(names = "--rate", paramLabel = "R", description = "Open loop: so many requests a second.")
    @Nullable
    private Double rate;

    @Option(
            names = "--burstiness",
            paramLabel = "B",
            description = "Open loop: shape of the gamma-distributed gaps; 1 is Poisson (default), inf is constant.")
    @Nullable
    private String burstiness;

    @Option(
            names = "--max-in-flight",
            paramLabel = "N",
            description = "Open loop: a request due while so many are under way waits; the wait is reported.")
    private int mostInFlight = MOST_USERS;

    @Option(names = "--requests", paramLabel = "N", description = "End after so many requests.")
    @Nullable
    private Integer requests;

    @Option(
            names = "--duration",
            paramLabel = "60s",
            description = "Start no request after so long: 500ms, 60s, 10m, 1h.")
    @Nullable
    private String duration;

    @Option(names = "--prompt-tokens", paramLabel = "N", required = true, description = "Tokens of each prompt, exact.")
    private int promptTokens;

    @Option(names = "--output-tokens", paramLabel = "N", required = true, description = "Tokens of each answer, exact.")
    private int outputTokens;

    @Option(
            names = "--endpoint",
            paramLabel = "PATH",
            description = "/v1/chat/completions (default) or /v1/completions.")
    private String endpoint = LoadTarget.CHAT;

    @Option(
            names = "--tokenizer",
            paramLabel = "FILE",
            description = "tokenizer.json of the model, in place of the server's /tokenize.")
    @Nullable
    private Path tokenizer;

    @Option(names = "--temperature", paramLabel = "T", description = "Of the sampling (default: ${DEFAULT-VALUE}).")
    private double temperature;

    @Option(
            names = "--warmup",
            paramLabel = "N",
            description = "Requests sent before the run and not counted (default: ${DEFAULT-VALUE}).")
    private int warmup;

    @Option(
            names = "--slo",
            paramLabel = "ttft:500,tpot:50",
            description = "Limits in milliseconds (ttft, tpot, e2e) of a good request, for goodput.")
    @Nullable
    private String slo;

    @Option(names = "--seed", paramLabel = "S", description = "Of prompts and send times (default: ${DEFAULT-VALUE}).")
    private long seed = 42;

    @Option(names = "--header", paramLabel = "NAME=VALUE", description = "Sent with every request; may be repeated.")
    private Map<String, String> headers = new LinkedHashMap<>();

    @Option(names = "--token-env", paramLabel = "NAME", description = "Environment variable that holds a bearer token.")
    @Nullable
    private String tokenEnvironment;

    @Option(names = "--token-file", paramLabel = "FILE", description = "File that holds a bearer token.")
    @Nullable
    private Path tokenFile;

    @Option(
            names = "--first-token-timeout",
            paramLabel = "60s",
            description = "A request without content after so long has failed (default: ${DEFAULT-VALUE}).")
    private String firstTokenTimeout = "600s";

    @Option(
            names = "--stall-timeout",
            paramLabel = "60s",
            description = "A request without a byte for so long has failed (default: ${DEFAULT-VALUE}).")
    private String stallTimeout = "120s";

    @Option(
            names = "--request-timeout",
            paramLabel = "60s",
            description = "A request that is not complete after so long has failed (default: ${DEFAULT-VALUE}).")
    private String requestTimeout = "1h";

    @Option(
            names = "--events",
            paramLabel = "FILE",
            description = "Write every request's raw events, readable after a crash.")
    @Nullable
    private Path events;

    @Option(names = "--resume", description = "Go on with the run in --events: send only what did not end.")
    private boolean resume;

    @Option(names = "--json", description = "Print one JSON object instead of tables.")
    private boolean json;

    @Override
    public Integer call() throws InterruptedException {
        var problems = new Problems();
        MeasureJob.checkUrl(problems, "URL", url);
        if ((concurrency == null) == (rate == null)) {
            problems.add("Give one of --concurrency (closed loop) and --rate (open loop).");
        }
        within(problems, "--concurrency", concurrency == null ? 1 : concurrency, 1, MOST_USERS);
        within(problems, "--max-in-flight", mostInFlight, 1, MOST_USERS);
        within(problems, "--prompt-tokens", promptTokens, 1, MOST_TOKENS);
        within(problems, "--output-tokens", outputTokens, 1, MOST_TOKENS);
        within(problems, "--warmup", warmup, 0, MOST_REQUESTS);
        if (rate != null && !(rate > 0 && rate <= 1e6)) {
            problems.add("--rate: " + rate + " is not allowed; it takes requests a second, from above 0 to 1000000.");
        }
        if (!endpoint.equals(LoadTarget.CHAT) && !endpoint.equals(BenchSpec.COMPLETIONS)) {
            problems.add("--endpoint: \"" + endpoint + "\" is not allowed; it takes " + LoadTarget.CHAT + " or "
                    + BenchSpec.COMPLETIONS + ".");
        }
        if (!(temperature >= 0 && temperature <= 100)) {
            problems.add("--temperature: " + temperature + " is not allowed; it takes 0 to 100.");
        }
        if (resume && (events == null || !Files.isRegularFile(events))) {
            problems.add("--resume: needs the file of the interrupted run as --events.");
        }
        if (tokenizer != null && !Files.isRegularFile(tokenizer)) {
            problems.add("--tokenizer: \"" + tokenizer + "\" does not exist; it takes the model's tokenizer.json.");
        }
        var spec = new BenchSpec(
                url,
                model,
                endpoint,
                shape(problems),
                extent(problems),
                promptTokens,
                outputTokens,
                tokenizer,
                temperature,
                warmup,
                limit(problems),
                seed,
                allHeaders(problems),
                new BenchSpec.Limits(
                        span(problems, "--first-token-timeout", firstTokenTimeout),
                        span(problems, "--stall-timeout", stallTimeout),
                        span(problems, "--request-timeout", requestTimeout)),
                events,
                resume);
        problems.throwIfAny();
        return new BenchSession(spec, json).run();
    }

    private BenchSpec.Shape shape(Problems problems) {
        if (rate == null) {
            if (burstiness != null) {
                problems.add("--burstiness: belongs to the open loop; give --rate with it.");
            }
            return new BenchSpec.Users(concurrency == null ? 1 : concurrency);
        }
        double shape = 1;
        try {
            shape = burstiness == null
                    ? 1
                    : burstiness.equals("inf") ? Double.POSITIVE_INFINITY : Double.parseDouble(burstiness);
        } catch (NumberFormatException notANumber) {
            shape = Double.NaN;
        }
        if (!(shape >= 0.01)) {
            problems.add("--burstiness: \"" + burstiness + "\" is not allowed; it takes a number from 0.01, or inf.");
        }
        return new BenchSpec.Rate(rate, shape, mostInFlight);
    }

    private Extent extent(Problems problems) {
        if ((requests == null) == (duration == null)) {
            problems.add("Give one of --requests and --duration.");
        }
        within(problems, "--requests", requests == null ? 1 : requests, 1, MOST_REQUESTS);
        return duration == null
                ? new Extent.Requests(requests == null ? 1 : requests)
                : new Extent.Lasting(span(problems, "--duration", duration));
    }

    private @Nullable Slo limit(Problems problems) {
        try {
            return slo == null ? null : Slo.parse(slo);
        } catch (IllegalArgumentException wrong) {
            problems.add("--slo: " + wrong.getMessage() + ".");
            return null;
        }
    }

    private Map<String, String> allHeaders(Problems problems) {
        var all = new LinkedHashMap<>(headers);
        if (tokenEnvironment != null && tokenFile != null) {
            problems.add("Give one of --token-env and --token-file.");
        }
        try {
            var token = tokenFile != null
                    ? Files.readString(tokenFile).strip()
                    : tokenEnvironment != null ? System.getenv(tokenEnvironment) : null;
            if (tokenEnvironment != null && token == null) {
                problems.add("--token-env: the environment has no " + tokenEnvironment + ".");
            } else if (token != null) {
                all.put("Authorization", "Bearer " + token);
            }
        } catch (IOException e) {
            problems.add("--token-file: \"" + tokenFile + "\" cannot be read.");
        }
        all.forEach((name, value) -> {
            if (name.isBlank() || (name + value).chars().anyMatch(c -> c < ' ')) {
                problems.add("--header: \"" + name + "\" is not allowed; it takes NAME=VALUE without line breaks.");
            }
        });
        return all;
    }

    private static Duration span(Problems problems, String flag, String text) {
        try {
            return Spans.parse(text, LONGEST_SECONDS);
        } catch (ConfigException wrong) {
            problems.add(flag + ": " + wrong.getMessage());
            return Duration.ofSeconds(1);
        }
    }

    private static void within(Problems problems, String flag, int value, int least, int most) {
        if (value < least || value > most) {
            problems.add(flag + ": " + value + " is not allowed; it takes a whole number from " + least + " to " + most
                    + ".");
        }
    }
}
