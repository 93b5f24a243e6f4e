package bestfit.cli;

import bestfit.args.ArgCatalogue;
import bestfit.args.ArgEffect;
import bestfit.args.ArgSpec;
import bestfit.args.ArgSpec.Presence;
import bestfit.args.VllmArgs;
import bestfit.config.Json;
import bestfit.config.Nearest;
import bestfit.config.Problems;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import tools.jackson.databind.node.ObjectNode;

/** {@code bestfit args explain}: what a flag does to the answers, its type, default and releases. */
@Command(
        name = "explain",
        mixinStandardHelpOptions = true,
        description =
                "Says of each flag whether it changes answers, may move their last bits, changes performance only, or is"
                        + " plumbing; with type, default and the releases that have it. Values among the flags are skipped.")
public final class ArgsExplainCommand implements Callable<Integer> {
    @Option(
            names = "--engine-version",
            paramLabel = "V",
            defaultValue = "0.33",
            description = "Of vLLM, such as 0.8.1, 0.23 or 0.33 (${DEFAULT-VALUE}).")
    private String version = "";

    @Option(names = "--json", description = "Print one JSON object.")
    private boolean json;

    @Parameters(paramLabel = "FLAG", arity = "1..*", description = "In any spelling that vLLM takes.")
    private List<String> tokens = new ArrayList<>();

    /** The flags to explain are another program's. */
    @Spec
    void setSpec(CommandSpec spec) {
        spec.parser().unmatchedOptionsArePositionalParams(true);
    }

    @Override
    public Integer call() {
        var problems = new Problems();
        if (!version.matches("\\d{1,4}(\\.\\d{1,4}){1,3}")) {
            problems.add("--engine-version is " + version + "; a release is wanted, such as 0.8.1, 0.23 or 0.33");
        }
        var specs = new ArrayList<ArgSpec>();
        for (var token : tokens) {
            boolean bare = !token.startsWith("-");
            var flag = bare ? "--" + token : token;
            var spec = ArgCatalogue.find(flag);
            spec.ifPresent(specs::add);
            boolean isValue = bare ? !specs.isEmpty() : VllmArgs.flagOf(flag).isEmpty();
            if (spec.isEmpty() && !isValue) {
                problems.add(unknown(flag));
            }
        }
        problems.throwIfAny();
        if (json) {
            var list = Json.array();
            specs.forEach(spec -> list.add(fields(spec)));
            System.out.println(
                    Json.write(Json.object().put("engine_version", version).set("flags", list)));
        } else {
            specs.forEach(this::print);
        }
        return ExitCode.OK;
    }

    /** Says that a flag is not in the catalogue, and the nearest that is. */
    static String unknown(String flag) {
        var name = VllmArgs.flagOf(flag).orElse(flag);
        return name + " is not in the catalogue of vLLM's flags"
                + Nearest.to(
                                name,
                                ArgCatalogue.all().stream().map(ArgSpec::flag).toList())
                        .map(near -> "; the nearest known is " + near)
                        .orElse("")
                + ". A search counts such a flag as one that changes answers.";
    }

    private static String words(ArgEffect effect) {
        return switch (effect) {
            case CHANGES_ANSWERS -> "changes answers";
            case MAY_MOVE_LAST_BITS -> "may move the last bits";
            case PERFORMANCE -> "performance only";
            case PLUMBING -> "plumbing";
        };
    }

    private static String releases(ArgSpec spec) {
        return "first seen in " + spec.since()
                + spec.absentIn().map(last -> ", not in " + last).orElse("")
                + spec.until().map(end -> ", gone in " + end).orElse("");
    }

    private void print(ArgSpec spec) {
        var out = System.out;
        out.println(spec.flag() + "   " + words(spec.effect()));
        out.println("    type      " + spec.type());
        var presence = spec.presence(version);
        out.println("    default   "
                + (presence == Presence.ABSENT ? "-" : spec.defaultIn(version).orElse("not known")));
        out.println("    releases  " + releases(spec)
                + switch (presence) {
                    case THERE -> "";
                    case ABSENT -> "; " + version + " has it not";
                    case UNKNOWN -> "; whether " + version + " has it is not known";
                });
        out.println("    embedded  "
                + switch (spec.engineUse()) {
                    case OBEYED -> "obeyed";
                    case TAKEN -> "taken, without effect";
                    case REFUSED -> "refused";
                });
    }

    private static @Nullable Boolean known(Presence presence) {
        return presence == Presence.UNKNOWN ? null : presence == Presence.THERE;
    }

    private ObjectNode fields(ArgSpec spec) {
        var fields = Json.object()
                .put("flag", spec.flag())
                .put("effect", words(spec.effect()))
                .put("type", spec.type())
                .put("known_to_version", known(spec.presence(version)))
                .put("since", spec.since());
        spec.until().ifPresentOrElse(end -> fields.put("gone_in", end), () -> fields.putNull("gone_in"));
        spec.defaultIn(version)
                .filter(_ -> spec.presence(version) != Presence.ABSENT)
                .ifPresentOrElse(value -> fields.put("default", value), () -> fields.putNull("default"));
        return fields;
    }
}
