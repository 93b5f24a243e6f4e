package bestfit.deploy;

import bestfit.config.Json;
import bestfit.deploy.Finding.Level;
import bestfit.http.HttpClient;
import java.io.IOException;
import java.net.InetAddress;
import java.net.URI;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import tools.jackson.databind.JsonNode;

/** Looks at a running node with GET requests only, a few seconds each. */
public final class NodeDoctor {
    private static final Duration PATIENCE = Duration.ofSeconds(3);
    private static final int AT_ONCE = 12;

    private final NodeAddress address;
    private final HttpClient management;
    private final HttpClient inference;

    public NodeDoctor(NodeAddress address) {
        this.address = address;
        this.management = new HttpClient(address.tokens().management());
        this.inference = new HttpClient(address.tokens().inference());
    }

    /**
     * What was seen.
     *
     * @param gpus as many as the node tells; empty where it tells none
     */
    public record Seen(List<Finding> findings, OptionalInt gpus) {
        public Seen {
            findings = List.copyOf(findings);
        }
    }

    public Seen look() throws InterruptedException {
        var found = new ArrayList<Finding>();
        var answer = asked("/api/v1/state");
        if (answer.filter(each -> each.status() == 401).isPresent()) {
            found.add(new Finding(
                    Level.NOTE,
                    "management",
                    address.management(),
                    "it asks for a token, so nothing more of it is seen",
                    "give the file that holds it with --management-token-file"));
            return new Seen(found, OptionalInt.empty());
        }
        var state = answer.filter(each -> each.status() == 200)
                .flatMap(HttpClient.Answer::json)
                .filter(json -> json.path("state").isString());
        if (state.isEmpty()) {
            found.add(
                    new Finding(
                            Level.PROBLEM,
                            "management",
                            address.management(),
                            "no answer of a node within " + PATIENCE.toSeconds() + " s",
                            "start it, or correct --node; MLNode answers nothing for 35 s after a failed start, then restarts"));
            return new Seen(found, OptionalInt.empty());
        }
        exposed(found);
        start(found);
        var gpus = gpus(found);
        links(found);
        inference(state.get(), found);
        return new Seen(found, gpus);
    }

    private void exposed(List<Finding> found) {
        var host = URI.create(address.management()).getHost();
        try {
            var ip = InetAddress.getByName(host);
            if (!ip.isLoopbackAddress() && !ip.isSiteLocalAddress() && !ip.isLinkLocalAddress()) {
                found.add(new Finding(
                        Level.PROBLEM,
                        "exposed-port",
                        address.management(),
                        "the management API answers at a public address without a token: anyone can stop the node or run"
                                + " a model of their choice",
                        "bind it to a private address or close the port in the firewall; the same for the inference"
                                + " port and the engines' ports behind it"));
            }
        } catch (UnknownHostException gone) {
            // It answered a moment ago; nothing to say of its address.
        }
    }

    private void start(List<Finding> found) {
        json("/api/v1/inference/up/status")
                .filter(status -> status.path("status").asString("").equals("failed"))
                .ifPresent(status -> found.add(new Finding(
                        Level.PROBLEM,
                        "last-start",
                        address.management(),
                        "the last start failed: " + status.path("error").asString("no reason told"),
                        "see the engine's log; bestfit tune finds args that start")));
    }

    private OptionalInt gpus(List<Finding> found) {
        var devices = json("/api/v1/gpu/devices").orElse(Json.object()).path("devices");
        for (var device : devices) {
            if (!device.path("is_available").asBoolean(true)) {
                found.add(new Finding(
                        Level.PROBLEM,
                        "gpu",
                        "GPU " + device.path("index").asInt(0),
                        device.path("error_message").asString("it is not available"),
                        "reset it, or start the node with CUDA_VISIBLE_DEVICES naming the others"));
            }
        }
        return devices.isEmpty() ? OptionalInt.empty() : OptionalInt.of(devices.size());
    }

    /** Told by bestfit's node alone. */
    private void links(List<Finding> found) {
        var inventory = json("/api/v1/gpu/inventory").orElse(Json.object());
        MachineDoctor.links(inventory, found);
        MachineDoctor.clocks(inventory, found);
    }

    private void inference(JsonNode state, List<Finding> found) throws InterruptedException {
        boolean serving = state.path("state").asString("").equals("INFERENCE");
        var statuses = models();
        boolean open = !statuses.isEmpty();
        long defects = statuses.stream().filter(status -> status == 500).count();
        if (defects > 0) {
            found.add(new Finding(
                    Level.PROBLEM,
                    "stale-port",
                    address.inference(),
                    defects + " of " + statuses.size()
                            + " requests at once got 500: the balancer still counts on engines"
                            + " of an earlier, larger deployment",
                    "restart the node's container; another deployment does not heal it"));
        } else if (serving && !open) {
            found.add(new Finding(
                    Level.PROBLEM,
                    "inference-port",
                    address.inference(),
                    "the state is INFERENCE, but the inference port does not answer",
                    "wait for the start to end (the state says INFERENCE before that), or correct --inference"));
        } else if (serving && statuses.stream().noneMatch(status -> status == 200)) {
            found.add(new Finding(
                    Level.PROBLEM,
                    "inference-port",
                    address.inference(),
                    "no engine behind it answers (status " + statuses.getFirst() + ")",
                    "wait for the start to end, or look at the engine's log"));
        } else if (!serving && open && statuses.contains(200)) {
            found.add(new Finding(
                    Level.WARNING,
                    "stale-port",
                    address.inference(),
                    "the state is " + state.path("state").asString("")
                            + ", but something answers on the inference port",
                    "see which process listens there and end it"));
        }
    }

    /** Statuses of some requests at once; those without an answer are left out. */
    private List<Integer> models() throws InterruptedException {
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            Callable<Integer> ask = () ->
                    inference.get(address.inference() + "/v1/models", PATIENCE).status();
            var statuses = new ArrayList<Integer>();
            for (Future<Integer> each : threads.invokeAll(Collections.nCopies(AT_ONCE, ask))) {
                try {
                    statuses.add(each.get());
                } catch (ExecutionException refused) {
                    // Not open, or too slow: counted by its absence.
                }
            }
            return statuses;
        }
    }

    private Optional<JsonNode> json(String path) {
        return asked(path).filter(answer -> answer.status() == 200).flatMap(HttpClient.Answer::json);
    }

    private Optional<HttpClient.Answer> asked(String path) {
        try {
            return Optional.of(management.get(address.management() + path, PATIENCE));
        } catch (IOException none) {
            return Optional.empty();
        }
    }
}
