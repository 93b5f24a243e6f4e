package bestfit.cli;

import bestfit.config.ConfigException;
import bestfit.config.Json;
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
import bestfit.workload.SendSchedule;
import bestfit.workload.TokenCounter;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
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
        var setup = made(spec, problems);
        int leftOut = setup.planned.leftOut();
        if (leftOut > 0 && spec.workload().prompt() instanceof PromptPlan.FromFile(Path file, boolean _)) {
            System.err.println("bestfit: " + leftOut + " conversations of " + file
                    + " are left out: they have no question, or none whose answer tells the length");
        }
        return setup;
    }

    private static BenchSetup made(BenchSpec spec, Problems problems) {
        boolean readable = problems.none();
        var target = readable || !spec.urls().isEmpty() ? target(spec, problems) : null;
        var tokenizer = target == null ? null : tokenizer(spec, target, problems);
        var planned = readable && tokenizer != null ? planned(spec, tokenizer, problems) : null;
        if (target != null) {
            checkContext(spec, target, tokenizer, planned, problems);
        }
        problems.throwIfAny();
        if (target == null || tokenizer == null || planned == null) {
            throw new IllegalStateException("no problem and no setup");
        }
        return new BenchSetup(spec, target, planned, template(spec, tokenizer, planned));
    }

    /** Of one run after others: what they measured is told all the same, so a server that went away is told here; empty then. */
    static Optional<BenchSetup> ofNext(BenchSpec spec, Problems problems) {
        try {
            return Optional.of(made(spec, new Problems()));
        } catch (ConfigException gone) {
            problems.addAll(gone);
            gone.problems().forEach(problem -> System.err.println("bestfit: " + problem));
            return Optional.empty();
        }
    }

    private static OptionalInt template(
            BenchSpec spec, @Nullable TokenCounter tokenizer, @Nullable PlannedRequests planned) {
        if (!spec.workload().chat()) {
            return OptionalInt.of(0);
        }
        if (tokenizer == null) {
            return OptionalInt.empty();
        }
        var sample = planned == null
                ? "a"
                : planned.conversations().conversation(0).turns().getFirst().message();
        var whole = tokenizer.countChat(sample);
        return whole.isEmpty() ? whole : OptionalInt.of(whole.getAsInt() - tokenizer.count(sample));
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
                throw new ConfigException(url + " answered " + answer.status() + " and no model. "
                        + (ServerTokenizer.isLocked(answer.status())
                                ? ServerTokenizer.WITH_A_KEY
                                : "Name it with --model."));
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
    private static void checkContext(
            BenchSpec spec,
            LoadTarget target,
            @Nullable TokenCounter tokenizer,
            @Nullable PlannedRequests planned,
            Problems problems) {
        var context = tokenizer instanceof ServerTokenizer server ? server.contextTokens() : modelContext(spec, target);
        if (context.isEmpty()) {
            return;
        }
        int template = template(spec, tokenizer, planned).orElse(0);
        switch (spec.workload().prompt()) {
            case PromptPlan.Generated prompt -> checkLengths(spec, prompt, template, context.getAsInt(), problems);
            case PromptPlan.FromFile(Path file, boolean _) -> {
                if (planned != null) {
                    int asked = planned.schedule()
                            .map(SendSchedule::size)
                            .orElseGet(() -> spec.workload().extent().mostRequests(Integer.MAX_VALUE));
                    planned.conversations()
                            .beyond(context.getAsInt(), template, asked)
                            .ifPresent(what -> problems.add("--prompts " + file + ": " + what + ", with " + template
                                    + " of the chat template for each prompt, more than the server's context of "
                                    + context.getAsInt() + " tokens; leave out what does not fit."));
                }
            }
        }
    }

    private static void checkLengths(
            BenchSpec spec, PromptPlan.Generated prompt, int template, int context, Problems problems) {
        int turns = spec.workload().turns().most();
        long turn = prompt.tokens().most()
                + spec.workload().output().map(LengthDistribution::most).orElse(0)
                + (long) template;
        long needed = prompt.prefixTokens() + turns * turn;
        if (needed > context) {
            problems.add("--prompt-tokens " + prompt.tokens().text() + " and --output-tokens "
                    + spec.workload().output().map(LengthDistribution::text).orElse("") + " with "
                    + (prompt.prefixTokens() > 0 ? "--shared-prefix-tokens " + prompt.prefixTokens() + " and " : "")
                    + template + " tokens of the chat template"
                    + (turns > 1 ? ", " + turns + " turns of them," : "") + " are up to " + needed
                    + ", more than the server's context of " + context + " tokens.");
        }
    }

    /** As {@code /v1/models} tells it where {@code /tokenize} was not asked; empty if it does not. */
    private static OptionalInt modelContext(BenchSpec spec, LoadTarget target) {
        try {
            var models = new HttpClient(spec.tls())
                    .call("GET", target.baseUrl() + "/v1/models", spec.headers(), new byte[0], PATIENCE)
                    .json()
                    .orElseGet(Json::object);
            return models.path("data")
                    .valueStream()
                    .filter(model -> model.path("id").asString("").equals(target.model()))
                    .filter(model -> model.path("max_model_len").isInt())
                    .mapToInt(model -> model.path("max_model_len").intValue())
                    .findFirst();
        } catch (IOException unreachable) {
            return OptionalInt.empty();
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
