package bestfit.cli;

import bestfit.config.ConfigException;
import bestfit.config.Problems;
import bestfit.http.HttpClient;
import bestfit.load.BenchBody;
import bestfit.load.LoadTarget;
import bestfit.load.ServerTokenizer;
import bestfit.model.Tokenizer;
import bestfit.workload.ConversationSource;
import bestfit.workload.LengthDistribution;
import bestfit.workload.PlannedRequests;
import bestfit.workload.PromptPlan;
import bestfit.workload.TokenCounter;
import java.io.IOException;
import java.time.Duration;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/**
 * All that a run needs and that can be wrong before its first request.
 *
 * @param template tokens that the chat template adds to each prompt; empty where it is not known
 */
record BenchSetup(BenchSpec spec, LoadTarget target, PlannedRequests planned, OptionalInt template) {
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    /**
     * Asks the server and reads the workload's files.
     *
     * @param problems found before
     * @throws ConfigException with all problems, those found before among them
     */
    static BenchSetup of(BenchSpec spec, Problems problems) {
        boolean readable = problems.none();
        var target = readable || !spec.urls().isEmpty() ? target(spec, problems) : null;
        var tokenizer = target == null ? null : tokenizer(spec, target, problems);
        var planned = readable && tokenizer != null ? planned(spec, tokenizer, problems) : null;
        if (target == null || tokenizer == null || planned == null) {
            problems.throwIfAny();
            throw new IllegalStateException("no problem and no setup");
        }
        var sample = planned.conversations().conversation(0).turns().getFirst().message();
        var template = OptionalInt.of(0);
        if (spec.workload().chat()) {
            var whole = tokenizer.countChat(sample);
            template = whole.isEmpty() ? whole : OptionalInt.of(whole.getAsInt() - tokenizer.count(sample));
        }
        checkContext(spec, tokenizer, template, problems);
        problems.throwIfAny();
        return new BenchSetup(spec, target, planned, template);
    }

    private static @Nullable LoadTarget target(BenchSpec spec, Problems problems) {
        try {
            var asked = spec.model();
            return new LoadTarget(spec.urls(), asked == null ? firstModel(spec) : asked, spec.headers(), spec.tls());
        } catch (ConfigException wrong) {
            problems.addAll(wrong);
            return null;
        }
    }

    private static String firstModel(BenchSpec spec) {
        var url = new LoadTarget(spec.urls().getFirst(), "").baseUrl() + "/v1/models";
        try {
            var answer = new HttpClient(spec.tls()).call("GET", url, spec.headers(), new byte[0], PATIENCE);
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
        } catch (IllegalArgumentException noUrl) {
            throw new ConfigException("URL: " + noUrl.getMessage() + ".");
        }
    }

    private static @Nullable TokenCounter tokenizer(BenchSpec spec, LoadTarget target, Problems problems) {
        try {
            var file = spec.tokenizer();
            var counter = file == null ? new ServerTokenizer(target) : new FileTokenizer(Tokenizer.ofFile(file));
            counter.count("a");
            return counter;
        } catch (ConfigException wrong) {
            problems.addAll(wrong);
            return null;
        }
    }

    private static @Nullable PlannedRequests planned(BenchSpec spec, TokenCounter tokenizer, Problems problems) {
        try {
            return PlannedRequests.of(spec.workload(), tokenizer);
        } catch (ConfigException wrong) {
            problems.addAll(wrong);
            return null;
        }
    }

    /** The longest request that can come up must fit. */
    private static void checkContext(BenchSpec spec, TokenCounter tokenizer, OptionalInt template, Problems problems) {
        if (!(tokenizer instanceof ServerTokenizer server)
                || !(spec.workload().prompt() instanceof PromptPlan.Generated prompt)) {
            return;
        }
        var context = server.contextTokens();
        int turns = spec.workload().turns().most();
        long turn = prompt.tokens().most()
                + spec.workload().output().map(LengthDistribution::most).orElse(0)
                + (long) template.orElse(0);
        long needed = prompt.prefixTokens() + turns * turn;
        if (context.isPresent() && needed > context.getAsInt()) {
            problems.add("--prompt-tokens " + prompt.tokens().text() + " and --output-tokens "
                    + spec.workload().output().map(LengthDistribution::text).orElse("") + " with "
                    + template.orElse(0) + " tokens of the chat template"
                    + (turns > 1 ? ", " + turns + " turns of them," : "") + " are up to " + needed
                    + ", more than the server's context of " + context.getAsInt() + " tokens.");
        }
    }

    BenchBody body() {
        return body(planned.conversations());
    }

    BenchBody warmupBody() {
        return body(planned.warmup(spec.workload().prompt()));
    }

    private BenchBody body(ConversationSource conversations) {
        return new BenchBody(target.model(), spec.workload(), conversations, spec.usagePerChunk());
    }
}
