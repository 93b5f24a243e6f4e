package bestfit.workload;

import bestfit.config.ConfigException;
import bestfit.config.ConfigReader;
import bestfit.metrics.Slo;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;

/** Reads a workload; what is wrong goes to the reader's problems. */
final class WorkloadReader {
    private static final int MOST_REQUESTS = 10_000_000;
    private static final int MOST_USERS = 20_000;
    private static final int MOST_TURNS = 1000;
    private static final double MOST_RATE = 1e6;
    private static final Duration WEEK = Duration.ofDays(7);

    private final ConfigReader in;

    private WorkloadReader(ConfigReader in) {
        this.in = in;
    }

    /** A workload all the same where there are problems; not to be used then. */
    static Workload read(ConfigReader in) {
        var workload = new WorkloadReader(in).workload();
        in.refuseUnknownKeys();
        return workload;
    }

    private Workload workload() {
        var load = in.section("load");
        var conversation = in.section("conversation");
        var output = in.section("output");
        var prompt = prompt(in.section("prompt"));
        var shape = shape(load);
        if (shape instanceof LoadShape.Replay && !(prompt instanceof PromptPlan.FromFile)) {
            load.problem("replay_speed", "needs a trace with times as prompt.file.");
        }
        var turns = length(conversation, "turns", new LengthDistribution.Fixed(1));
        if (turns.most() > MOST_TURNS) {
            conversation.problem("turns", turns.most() + " is not allowed; it takes up to " + MOST_TURNS + ".");
        }
        if (turns.most() == 1 && conversation.has("think_time")) {
            conversation.problem("think_time", "belongs to conversations; give turns above 1 with it.");
        }
        var endpoint = endpoint();
        if (turns.most() > 1 && endpoint.equals(Workload.COMPLETIONS)) {
            conversation.problem(
                    "turns", "text completions have no conversations; leave it out or use " + Workload.CHAT + ".");
        }
        return new Workload(
                in.string("name", ""),
                endpoint,
                shape,
                extent(load, shape),
                load.intKey("warmup", 0, 0, MOST_REQUESTS),
                prompt,
                output(output, prompt),
                output.boolKey("exact", true),
                turns,
                conversation.has("think_time")
                        ? conversation.durationKey("think_time", Duration.ZERO, WEEK)
                        : Duration.ZERO,
                sampling(in.section("sampling")),
                slo(in.section("slo")),
                in.longKey("seed", 42));
    }

    private String endpoint() {
        var endpoint = in.string("endpoint", Workload.CHAT);
        if (!endpoint.equals(Workload.CHAT) && !endpoint.equals(Workload.COMPLETIONS)) {
            in.problem(
                    "endpoint",
                    "\"" + endpoint + "\" is not allowed; it takes " + Workload.CHAT + " or " + Workload.COMPLETIONS
                            + ".");
        }
        return endpoint;
    }

    private static LoadShape shape(ConfigReader load) {
        boolean users = load.has("users");
        boolean rate = load.has("rate");
        boolean replay = load.has("replay_speed");
        if ((users ? 1 : 0) + (rate ? 1 : 0) + (replay ? 1 : 0) != 1) {
            load.problem(
                    rate ? "rate" : "users",
                    "exactly one is needed of users (--concurrency, closed loop), rate (--rate, open loop) and"
                            + " replay_speed (--replay-speed, a trace's own times).");
        }
        int count = load.intKey("users", 1, 1, MOST_USERS);
        var rampUp = load.has("ramp_up") ? load.durationKey("ramp_up", Duration.ZERO, WEEK) : Duration.ZERO;
        double perSecond = load.doubleKey("rate", 1, 1e-6, MOST_RATE);
        double burstiness = load.doubleKey("burstiness", 1, 0.01, Double.POSITIVE_INFINITY);
        double speed = load.doubleKey("replay_speed", 1, 1e-6, MOST_RATE);
        int mostInFlight = load.intKey("max_in_flight", MOST_USERS, 1, MOST_USERS);
        if (!rate && load.has("burstiness")) {
            load.problem("burstiness", "belongs to the open loop; give a rate with it.");
        }
        if (users && load.has("max_in_flight")) {
            load.problem("max_in_flight", "belongs to the open loop; the users are the limit of a closed one.");
        }
        if (!users && load.has("ramp_up")) {
            load.problem("ramp_up", "belongs to the closed loop; give users with it.");
        }
        return rate
                ? new LoadShape.Rate(perSecond, burstiness, mostInFlight)
                : replay ? new LoadShape.Replay(speed, mostInFlight) : new LoadShape.Users(count, rampUp);
    }

    private static Extent extent(ConfigReader load, LoadShape shape) {
        int requests = load.intKey("requests", MOST_REQUESTS, 1, MOST_REQUESTS);
        var duration = load.durationKey("duration", Duration.ofMinutes(1), WEEK);
        boolean counted = load.has("requests");
        boolean timed = load.has("duration");
        boolean endless = !counted && !timed && !(shape instanceof LoadShape.Replay);
        if (endless || (counted && timed)) {
            load.problem("requests", "exactly one is needed of requests (--requests) and duration (--duration).");
        }
        if (timed && shape instanceof LoadShape.Users(int _, Duration rampUp) && rampUp.compareTo(duration) >= 0) {
            load.problem("ramp_up", "is not shorter than the run (--duration): its last users would never begin.");
        }
        return load.has("duration") && !counted ? new Extent.Lasting(duration) : new Extent.Requests(requests);
    }

    private static PromptPlan prompt(ConfigReader prompt) {
        int prefixTokens = prompt.intKey("shared_prefix_tokens", 0, 0, LengthDistribution.MOST);
        int prefixes = prompt.intKey("shared_prefixes", 1, 1, MOST_REQUESTS);
        boolean repeat = prompt.boolKey("repeat", false);
        var file = prompt.string("file");
        boolean tokens = prompt.has("tokens");
        if ((file == null) != tokens) {
            prompt.problem("tokens", "exactly one is needed of tokens (--prompt-tokens) and file (--prompts).");
        }
        if (prefixTokens == 0 && prompt.has("shared_prefixes")) {
            prompt.problem("shared_prefixes", "belongs to shared_prefix_tokens; give their number with it.");
        }
        if (file == null && repeat) {
            prompt.problem("repeat", "belongs to a file of prompts; generated ones never end.");
        }
        if (file == null) {
            return new PromptPlan.Generated(
                    length(prompt, "tokens", new LengthDistribution.Fixed(1)), prefixTokens, prefixes);
        }
        if (prefixTokens > 0) {
            prompt.problem("shared_prefix_tokens", "belongs to generated prompts; a file has its own beginnings.");
        }
        var path = Path.of(file);
        if (!Files.isRegularFile(path)) {
            prompt.problem(
                    "file",
                    "\"" + file + (Files.exists(path) ? "\" is no file" : "\" does not exist") + "; it takes "
                            + TraceFile.TAKES + ".");
        }
        return new PromptPlan.FromFile(path, repeat);
    }

    private static Optional<LengthDistribution> output(ConfigReader output, PromptPlan prompt) {
        if (!output.has("tokens") && prompt instanceof PromptPlan.Generated) {
            output.problem("tokens", "is missing (--output-tokens); it takes " + LengthDistribution.ALLOWED + ".");
        }
        return output.has("tokens")
                ? Optional.of(length(output, "tokens", new LengthDistribution.Fixed(1)))
                : Optional.empty();
    }

    private static LengthDistribution length(ConfigReader in, String key, LengthDistribution otherwise) {
        var text = in.string(key);
        if (text == null) {
            return otherwise;
        }
        try {
            return LengthDistribution.parse(text);
        } catch (ConfigException wrong) {
            in.problem(key, String.join(" ", wrong.problems()));
            return otherwise;
        }
    }

    private static Sampling sampling(ConfigReader in) {
        return new Sampling(
                in.doubleKey("temperature", 0, 0, 100),
                number(in, "top_p", 1e-9, 1),
                in.has("top_k") ? OptionalInt.of(in.intKey("top_k", 1, -1, Integer.MAX_VALUE)) : OptionalInt.empty(),
                number(in, "min_p", 0, 1),
                in.has("logprobs") ? OptionalInt.of(in.intKey("logprobs", 0, 0, 100)) : OptionalInt.empty(),
                in.has("seed") ? OptionalLong.of(in.longKey("seed", 0)) : OptionalLong.empty());
    }

    private static OptionalDouble number(ConfigReader in, String key, double least, double most) {
        return in.has(key) ? OptionalDouble.of(in.doubleKey(key, most, least, most)) : OptionalDouble.empty();
    }

    private static Optional<Slo> slo(ConfigReader in) {
        double none = Double.POSITIVE_INFINITY;
        var slo = new Slo(
                in.doubleKey("ttft_ms", none, 1e-6, none),
                in.doubleKey("tpot_ms", none, 1e-6, none),
                in.doubleKey("e2e_ms", none, 1e-6, none));
        return in.has("ttft_ms") || in.has("tpot_ms") || in.has("e2e_ms") ? Optional.of(slo) : Optional.empty();
    }
}
