package bestfit.tune;

import bestfit.args.DeploymentConfig;
import bestfit.args.Layout;
import bestfit.args.VllmArgs;
import bestfit.config.ConfigException;
import bestfit.hardware.Inventory;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;

/**
 * Every config worth trying: each layout that heads, KV heads, layers, devices and memory allow, times the batch limits
 * that the workload can reach. Pure. Nothing that changes answers is varied; what is left out is listed with its reason.
 *
 * @param candidates smallest TP first, vLLM's default limits before bounded ones
 */
public record SearchSpace(List<Candidate> candidates, List<Rejection> rejections) {
    static final String TP = "--tensor-parallel-size";
    static final String PP = "--pipeline-parallel-size";
    private static final String SEQS = "--max-num-seqs";
    private static final List<String> NODES_OWN = List.of("--host", "--port", "--uds", "--model");

    public SearchSpace {
        candidates = List.copyOf(candidates);
        rejections = List.copyOf(rejections);
    }

    /**
     * What to enumerate for.
     *
     * @param users requests in flight at most
     * @param mandatory the user's args; they are in every config and win over ours
     * @param embedded for the embedded engine, else for vLLM
     */
    public record Query(
            ModelShape model, String dtype, Inventory inventory, int users, VllmArgs mandatory, boolean embedded) {}

    /** @throws ConfigException when the mandatory args cannot be part of any config here */
    public static SearchSpace enumerate(Query query) {
        refuseUnusable(query);
        var candidates = new ArrayList<Candidate>();
        var rejections = new ArrayList<Rejection>();
        int devices = query.inventory().count();
        for (int tp = 1; tp <= devices; tp++) {
            for (int pp = 1; tp * pp <= devices; pp++) {
                var layout = Layout.filling(tp, pp, devices);
                var plain = candidate(query, layout, Optional.empty());
                var reason = whyNot(query, layout).or(() -> MemoryNeed.whyNot(query, plain));
                if (reason.isPresent()) {
                    rejections.add(new Rejection(plain, reason.get(), false));
                } else {
                    candidates.add(plain);
                    limits(query, plain, candidates, rejections);
                }
            }
        }
        return new SearchSpace(candidates, rejections);
    }

    /** The candidate of a layout: ours merged into the mandatory args by gonka's rule. */
    private static Candidate candidate(Query query, Layout layout, Optional<Integer> seqs) {
        var ours = new ArrayList<String>();
        // A spelling that the merge does not recognise as the same key would be given twice.
        if (!query.mandatory().has(TP)) {
            ours.addAll(List.of(TP, Integer.toString(layout.tp())));
        }
        if (!query.mandatory().has(PP)) {
            ours.addAll(List.of(PP, Integer.toString(layout.pp())));
        }
        seqs.ifPresent(limit -> ours.addAll(List.of(SEQS, Integer.toString(limit))));
        var args = VllmArgs.merge(query.mandatory(), new VllmArgs(ours));
        return new Candidate(new DeploymentConfig(query.model().name(), query.dtype(), args), layout);
    }

    private static void refuseUnusable(Query query) {
        var mandatory = query.mandatory();
        int devices = query.inventory().count();
        if (mandatory.dataParallel() > 1) {
            throw new ConfigException("--args: --data-parallel-size " + mandatory.dataParallel()
                    + ": several instances behind the node's port take its place; leave it out");
        }
        for (var flag : NODES_OWN) {
            if (mandatory.has(flag)) {
                throw new ConfigException("--args: " + flag + " is the node's to give each instance; leave it out");
            }
        }
        if (mandatory.devicesPerInstance() > devices) {
            throw new ConfigException("--args: an instance of " + mandatory.devicesPerInstance()
                    + " devices (TP × PP) does not fit on " + devices + "; lower them, or raise --devices");
        }
    }

    private static Optional<String> whyNot(Query query, Layout layout) {
        var model = query.model();
        int tp = layout.tp();
        int pp = layout.pp();
        if (query.mandatory().has(TP) && query.mandatory().tensorParallel() != tp) {
            return Optional.of("your args fix TP " + query.mandatory().tensorParallel());
        }
        if (query.mandatory().has(PP) && query.mandatory().pipelineParallel() != pp) {
            return Optional.of("your args fix PP " + query.mandatory().pipelineParallel());
        }
        if (model.spec().heads() % tp != 0) {
            return Optional.of(model.spec().heads() + " heads are not divisible by TP " + tp);
        }
        if (model.spec().kvHeads() % tp != 0 && tp % model.spec().kvHeads() != 0) {
            return Optional.of(model.spec().kvHeads() + " KV heads can be neither split over TP " + tp
                    + " evenly nor copied evenly");
        }
        if (pp > model.spec().layers()) {
            return Optional.of("PP " + pp + " has more stages than the model's "
                    + model.spec().layers() + " layers");
        }
        return Optional.empty();
    }

    /**
     * Batch limits besides the default: half of an instance's share of the users, so that some requests wait while fewer
     * run faster. A bound at or above the share never binds: the balancer spreads the users evenly.
     */
    private static void limits(Query query, Candidate plain, List<Candidate> candidates, List<Rejection> rejections) {
        if (query.mandatory().has(SEQS)) {
            return;
        }
        int share = Math.ceilDiv(query.users(), plain.layout().instances());
        var bounds = new LinkedHashSet<Integer>();
        bounds.add(Math.max(1, Math.ceilDiv(share, 2)));
        bounds.add(share);
        for (int bound : bounds) {
            var bounded = candidate(query, plain.layout(), Optional.of(bound));
            if (bound < share) {
                MemoryNeed.whyNot(query, bounded)
                        .ifPresentOrElse(
                                reason -> rejections.add(new Rejection(bounded, reason, false)),
                                () -> candidates.add(bounded));
            } else {
                rejections.add(new Rejection(
                        bounded,
                        "the same as the default here: " + query.users() + " users are at most " + share
                                + " per instance",
                        true));
            }
        }
    }

    /** The candidate with exactly these args, if it is one. */
    public Optional<Candidate> find(VllmArgs args) {
        return candidates.stream()
                .filter(each -> each.config().args().equals(args))
                .findFirst();
    }

    /** vLLM's defaults at the smallest TP that fits, instances filling the server; empty when nothing can run. */
    public Optional<Candidate> defaults() {
        return candidates.stream().findFirst();
    }
}
