package bestfit.cli;

import bestfit.config.ConfigException;
import bestfit.config.Problems;
import bestfit.config.Spans;
import bestfit.http.Tls;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** What every form of {@code bestfit bench} takes. */
final class BenchOptions {
    private static final double LONGEST_SECONDS = 7 * 86_400;

    private static final Set<String> OWN_HEADERS =
            Set.of("content-length", "transfer-encoding", "connection", "content-type");

    /** RFC 9110's token. */
    private static final Pattern HEADER_NAME = Pattern.compile("[!#$%&'*+.^_`|~0-9A-Za-z-]+");

    @Parameters(
            paramLabel = "URL",
            arity = "0..*",
            description = "Where the OpenAI API answers, with or without /v1; several in turn.")
    List<String> urls = List.of();

    @Option(names = "--model", paramLabel = "M", description = "Model to ask for (default: the server's first).")
    @Nullable
    private String model;

    @Mixin
    private WorkloadFlags flags = new WorkloadFlags();

    @Option(
            names = "--tokenizer",
            paramLabel = "FILE",
            description = "tokenizer.json of the model, in place of the server's /tokenize.")
    @Nullable
    private Path tokenizer;

    @Option(names = "--header", paramLabel = "NAME=VALUE", description = "Sent with every request; may be repeated.")
    private Map<String, String> headers = new LinkedHashMap<>();

    @Option(names = "--token-env", paramLabel = "NAME", description = "Environment variable that holds a bearer token.")
    @Nullable
    private String tokenEnvironment;

    @Option(names = "--token-file", paramLabel = "FILE", description = "File that holds a bearer token.")
    @Nullable
    private Path tokenFile;

    @Option(names = "--ca", paramLabel = "FILE", description = "HTTPS: certificates (PEM) to trust in place of Java's.")
    @Nullable
    private Path authorities;

    @Option(
            names = "--usage-per-chunk",
            description = "Ask for the tokens so far with every event (vLLM), so that gaps are known token by token.")
    private boolean usagePerChunk;

    @Option(
            names = "--percentile",
            paramLabel = "P",
            description = "Say how many more requests a bound on this percentile needs (default: 99).")
    private double percentile = 99;

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

    @Option(names = "--json", description = "Print one JSON object instead of tables.")
    boolean json;

    BenchSpec spec(Problems problems) {
        return spec(problems, "");
    }

    /** @param given a key of the workload that the caller sets for each run, such as {@code load.rate} */
    BenchSpec spec(Problems problems, String given) {
        if (!(percentile >= 50 && percentile < 100)) {
            problems.add("--percentile: " + percentile + " is not allowed; it takes 50 to below 100.");
        }
        if (urls.isEmpty()) {
            problems.add("URL: is missing; it takes where the OpenAI API answers, such as http://127.0.0.1:8000.");
        }
        urls.forEach(url -> checkUrl(problems, url));
        if (tokenizer != null && !Files.isRegularFile(tokenizer)) {
            problems.add("--tokenizer: \"" + tokenizer + "\" does not exist; it takes the model's tokenizer.json.");
        }
        return new BenchSpec(
                urls,
                model,
                flags.read(problems, given),
                tokenizer,
                allHeaders(problems),
                tls(problems),
                percentile,
                usagePerChunk,
                new BenchSpec.Limits(
                        span(problems, "--first-token-timeout", firstTokenTimeout),
                        span(problems, "--stall-timeout", stallTimeout),
                        span(problems, "--request-timeout", requestTimeout)));
    }

    private static void checkUrl(Problems problems, String url) {
        try {
            var uri = URI.create(url);
            if (uri.getUserInfo() != null) {
                problems.add("URL: a user's name and password for \"" + uri.getHost()
                        + "\" are not allowed there; give them as" + " --header Authorization=\"Basic …\".");
                return;
            }
            boolean web = "http".equalsIgnoreCase(uri.getScheme()) || "https".equalsIgnoreCase(uri.getScheme());
            boolean bare = uri.getQuery() == null && uri.getFragment() == null;
            boolean port = uri.getPort() <= 65_535;
            if (web && uri.getHost() != null && port && bare && !url.contains("/v1/chat/")) {
                return;
            }
        } catch (IllegalArgumentException malformed) {
            // told below
        }
        problems.add(
                "URL: \"" + url + "\" is not allowed; it takes an http or https URL such as http://127.0.0.1:8000.");
    }

    private Tls tls(Problems problems) {
        try {
            return authorities == null ? Tls.SYSTEM : Tls.trusting(authorities);
        } catch (ConfigException wrong) {
            problems.add("--ca: " + String.join(" ", wrong.problems()));
            return Tls.SYSTEM;
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
            } else if (token != null && token.isBlank()) {
                problems.add((tokenFile != null ? "--token-file: \"" + tokenFile : "--token-env: \"" + tokenEnvironment)
                        + "\" is empty; it takes a bearer token.");
            } else if (token != null) {
                all.put("Authorization", "Bearer " + token);
            }
        } catch (IOException e) {
            problems.add("--token-file: \"" + tokenFile + "\" cannot be read.");
        }
        // none of them is sent to the server that is asked for its model and tokenizer meanwhile
        all.entrySet().removeIf(header -> !mayBeSent(problems, header.getKey(), header.getValue()));
        return all;
    }

    private static boolean mayBeSent(Problems problems, String name, String value) {
        if (OWN_HEADERS.contains(name.toLowerCase(Locale.ROOT))) {
            problems.add("--header: \"" + name + "\" is not allowed; the client sets it to what it sends.");
            return false;
        }
        if (!HEADER_NAME.matcher(name).matches() || value.chars().anyMatch(c -> c < ' ' || c > '~')) {
            problems.add("--header: \"" + name
                    + "\" is not allowed; it takes NAME=VALUE, a name without blanks and a value of printable ASCII.");
            return false;
        }
        return true;
    }

    private static Duration span(Problems problems, String flag, String text) {
        try {
            return Spans.parse(text, LONGEST_SECONDS);
        } catch (ConfigException wrong) {
            problems.add(flag + ": " + wrong.getMessage());
            return Duration.ofSeconds(1);
        }
    }
}
