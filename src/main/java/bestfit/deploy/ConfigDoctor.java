package bestfit.deploy;

import bestfit.args.ArgsText;
import bestfit.args.VllmArgs;
import bestfit.config.ConfigException;
import bestfit.deploy.Finding.Level;
import bestfit.model.KnownModels;
import bestfit.model.ModelCard;
import bestfit.model.WeightFormat;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.stream.Stream;

/**
 * What can be told of one model's args in a node's configuration without running anything. Pure.
 *
 * @param chainArgs the network's mandatory args; the bundled ones where empty
 * @param gpus of the server; empty where unknown
 */
public record ConfigDoctor(Optional<VllmArgs> chainArgs, OptionalInt gpus) {
    private static final double LASTING_UTILIZATION = 0.94;
    private static final double DARING_UTILIZATION = 0.97;
    private static final int FP8_BLOCK = 128;
    private static final Set<String> PARALLEL = Set.of("--tensor-parallel-size", "--pipeline-parallel-size");

    /** They take GPUs too, but MLNode counts TP × PP alone. */
    private static final List<String> UNCOUNTED = List.of("--data-parallel-size", "--prefill-context-parallel-size");

    /** All findings about all models of a node. */
    public List<Finding> check(NodeConfig node) {
        var found = new ArrayList<Finding>();
        node.models().forEach((model, args) -> found.addAll(check(model, args)));
        return found;
    }

    /** All findings about one model with the host's own args. */
    public List<Finding> check(String model, VllmArgs own) {
        var known = known(model);
        var chain = chainArgs.orElseGet(() -> known.map(each -> ArgsText.read("chain args", each.mandatoryArgs()))
                .orElse(VllmArgs.of()));
        var merged = VllmArgs.merge(chain, own);
        var found = new ArrayList<Finding>();
        spellings(model, own, found);
        chain(model, chain, own, merged, found);
        utilization(model, merged, found);
        dtype(model, merged, found);
        layout(model, merged, found);
        known.ifPresent(each -> shape(model, each.card(), merged, found));
        return found;
    }

    private static Optional<KnownModels.Known> known(String model) {
        try {
            return Optional.of(KnownModels.find(model));
        } catch (ConfigException unknown) {
            return Optional.empty(); // nothing is said of its shape then
        }
    }

    /** Builds before 3.0.16 look for the exact list items, and take the first. */
    private static void spellings(String model, VllmArgs args, List<Finding> found) {
        for (var token : args.list()) {
            var flag = VllmArgs.meantBy(token);
            if (flag.isPresent() && PARALLEL.contains(flag.get()) && !PARALLEL.contains(token)) {
                found.add(new Finding(
                        Level.PROBLEM,
                        "spelling",
                        model,
                        token + " is not seen by MLNode before 3.0.16: it counts " + flag.get()
                                + " as 1 and starts too many instances",
                        "write it as two items: \"" + flag.get() + "\", \"N\""));
            } else if (flag.isPresent() && !token.startsWith("--")) {
                found.add(new Finding(
                        Level.PROBLEM,
                        "spelling",
                        model,
                        token + " is dropped when the network merges args: it knows only names that begin with --",
                        "write " + flag.get() + " and its value as two items"));
            }
        }
        for (var flag : PARALLEL) {
            var values = args.given().stream()
                    .filter(each -> each.flag().equals(flag) && !each.values().isEmpty())
                    .map(each -> each.values().getFirst())
                    .distinct()
                    .toList();
            if (values.size() > 1) {
                found.add(new Finding(
                        Level.PROBLEM,
                        "spelling",
                        model,
                        flag + " is given as " + String.join(" and ", values)
                                + ": MLNode before 3.0.16 takes the first, vLLM the last",
                        "give it once"));
            }
        }
        for (var flag : UNCOUNTED) {
            args.value(flag)
                    .filter(value -> !value.equals("1"))
                    .ifPresent(value -> found.add(new Finding(
                            Level.PROBLEM,
                            "spelling",
                            model,
                            flag + " " + value
                                    + " is not counted by any MLNode: the instances it starts share their GPUs",
                            "leave it out; MLNode starts one instance for each group of GPUs by itself")));
        }
    }

    private static void chain(String model, VllmArgs chain, VllmArgs own, VllmArgs merged, List<Finding> found) {
        for (var mandatory : chain.given()) {
            var theirs = String.join(" ", mandatory.values());
            for (var ours : own.given()) {
                var value = String.join(" ", ours.values());
                if (!ours.flag().equals(mandatory.flag()) || value.equals(theirs)) {
                    continue;
                }
                boolean slips = own.list().stream()
                        .anyMatch(token -> VllmArgs.meantBy(token).equals(Optional.of(ours.flag()))
                                && !chain.list().contains(token));
                found.add(
                        slips
                                ? new Finding(
                                        Level.PROBLEM,
                                        "chain-args",
                                        model,
                                        ours.flag() + " in this spelling is kept beside the network's " + theirs
                                                + " and wins with " + value + ": answers may fail validation",
                                        "leave it out: " + mandatory.flag() + " " + theirs + " is mandatory")
                                : new Finding(
                                        Level.WARNING,
                                        "chain-args",
                                        model,
                                        ours.flag() + " " + value + " has no effect: the network's " + theirs
                                                + " overrides it; merged: " + ArgsText.write(merged),
                                        "leave it out"));
            }
        }
    }

    private static void utilization(String model, VllmArgs args, List<Finding> found) {
        var text = args.value("--gpu-memory-utilization").filter(each -> each.matches("\\d*\\.?\\d+"));
        double value = text.map(Double::parseDouble).orElse(0.0);
        if (value > LASTING_UTILIZATION) {
            found.add(new Finding(
                    value > DARING_UTILIZATION ? Level.PROBLEM : Level.WARNING,
                    "gpu-memory-utilization",
                    model,
                    "--gpu-memory-utilization " + text.orElse("") + " leaves little beside weights and KV cache: it"
                            + " starts, and runs out of memory under load",
                    "0.88 to 0.94 lasts; measure the KV cache you need with bestfit plan"));
        }
    }

    private static void dtype(String model, VllmArgs args, List<Finding> found) {
        args.value("--dtype")
                .filter(each -> !each.equals("auto"))
                .ifPresent(each -> found.add(new Finding(
                        Level.WARNING,
                        "dtype",
                        model,
                        "--dtype " + each + " overrides what the network sends (auto; float16 before 2026): answers are"
                                + " computed in another precision than the validators'",
                        "leave --dtype out")));
    }

    private void layout(String model, VllmArgs args, List<Finding> found) {
        if (gpus.isEmpty()) {
            return;
        }
        int all = gpus.getAsInt();
        int each = args.tensorParallel() * args.pipelineParallel();
        if (each > all) {
            found.add(new Finding(
                    Level.PROBLEM,
                    "layout",
                    model,
                    "TP × PP is " + each + ", the server has " + all + (all == 1 ? " GPU" : " GPUs")
                            + ": MLNode starts it all the same, vLLM fails",
                    "TP × PP of at most " + all));
            return;
        }
        if (all / each > 1) {
            found.add(new Finding(
                    Level.NOTE,
                    "auto-pp",
                    model,
                    all + " GPUs with TP × PP " + each + " are " + all / each + " instances; MLNode never sets pipeline"
                            + " parallelism by itself, whatever guides say",
                    ""));
        }
        if (all % each != 0) {
            found.add(new Finding(
                    Level.WARNING,
                    "layout",
                    model,
                    all % each + " of " + all + " GPUs stay idle with TP × PP " + each,
                    "see what fits with bestfit plan --model " + model));
        }
    }

    private static void shape(String model, ModelCard card, VllmArgs args, List<Finding> found) {
        int tp = args.tensorParallel();
        if (card.heads() % tp != 0) {
            found.add(new Finding(
                    Level.PROBLEM,
                    "heads",
                    model,
                    card.heads() + " attention heads are not divisible by TP " + tp + ": vLLM refuses it",
                    "TP of " + divisors(card.heads())));
        } else if (card.latent() == null && card.kvHeads() % tp != 0 && tp % card.kvHeads() != 0) {
            found.add(new Finding(
                    Level.PROBLEM,
                    "heads",
                    model,
                    card.kvHeads() + " key-value heads do not go with TP " + tp + ": vLLM ends with an AssertionError",
                    "a TP that divides " + card.kvHeads() + ", or a multiple of it"));
        }
        if (args.pipelineParallel() > card.layers()) {
            found.add(new Finding(
                    Level.PROBLEM,
                    "heads",
                    model,
                    "PP " + args.pipelineParallel() + " with " + card.layers() + " layers",
                    "PP of at most " + card.layers()));
        }
        if (card.format() == WeightFormat.FP8_BLOCK) {
            blocks(model, card, args, found);
        }
    }

    /** Each rank's part of a block-quantised matrix must be whole blocks. */
    private static void blocks(String model, ModelCard card, VllmArgs args, List<Finding> found) {
        int tp = args.tensorParallel();
        var experts = card.experts();
        boolean split = experts != null && !args.on("enable-expert-parallel", false);
        if (split && experts != null && experts.ffn() % (tp * FP8_BLOCK) != 0) {
            found.add(new Finding(
                    Level.PROBLEM,
                    "fp8-blocks",
                    model,
                    "an expert's width of " + experts.ffn() + " over TP " + tp + " is no multiple of the FP8 block of "
                            + FP8_BLOCK + ": vLLM refuses it",
                    "--enable-expert-parallel, which keeps experts whole, or a smaller TP"));
        }
        if (card.denseLayers() > 0
                && card.denseFormat() == WeightFormat.FP8_BLOCK
                && card.ffn() % (tp * FP8_BLOCK) != 0) {
            found.add(new Finding(
                    Level.PROBLEM,
                    "fp8-blocks",
                    model,
                    "a layer's width of " + card.ffn() + " over TP " + tp + " is no multiple of the FP8 block of "
                            + FP8_BLOCK + ": vLLM refuses it",
                    "a smaller TP"));
        }
    }

    private static String divisors(int heads) {
        return String.join(
                ", ",
                Stream.of(1, 2, 4, 6, 8, 16)
                        .filter(each -> heads % each == 0)
                        .map(String::valueOf)
                        .toList());
    }
}
