package bestfit.deploy;

import bestfit.config.ConfigException;
import bestfit.config.Json;
import bestfit.http.HttpClient;
import java.io.IOException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import tools.jackson.databind.JsonNode;

/** Calls of the network node's Admin API, which knows the nodes of one host. Thread-safe. */
public final class AdminClient {
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final String NODES = "/admin/v1/nodes";

    private final String baseUrl;
    private final HttpClient http = new HttpClient();

    /** @param baseUrl such as {@code http://127.0.0.1:9200} */
    public AdminClient(String baseUrl) {
        this.baseUrl = baseUrl.endsWith("/") ? baseUrl.substring(0, baseUrl.length() - 1) : baseUrl;
    }

    /**
     * A node with what the network plans for it.
     *
     * @param timeslots of this epoch and the next: true where the node works for the network; may be empty
     */
    public record Registered(JsonNode node, List<Boolean> timeslots) {
        public String id() {
            return node.path("id").asString("");
        }

        /** It can be changed only while the next slot is not its own. */
        public boolean busyNext() {
            return timeslots.size() > 1 && timeslots.get(1);
        }
    }

    public List<Registered> list() throws IOException {
        var answer = http.get(baseUrl + NODES, PATIENCE);
        var json = accepted("GET " + NODES, answer).orElse(Json.array());
        var nodes = new ArrayList<Registered>();
        for (var each : json.isArray() ? json : json.path("nodes")) {
            var slots = new ArrayList<Boolean>();
            var found = each.findValue("timeslot_allocation");
            if (found != null) {
                found.forEach(slot -> slots.add(slot.asBoolean(false)));
            }
            nodes.add(new Registered(each.path("node").isObject() ? each.path("node") : each, slots));
        }
        return nodes;
    }

    /** @throws ConfigException if there is none of that id, with those there are */
    public Registered read(String id) throws IOException {
        var all = list();
        return all.stream()
                .filter(each -> each.id().equals(id))
                .findFirst()
                .orElseThrow(() -> new ConfigException("node " + id + " is not registered at " + baseUrl
                        + "; these are: "
                        + String.join(", ", all.stream().map(Registered::id).toList())));
    }

    /** Registers or changes it; a changed model takes effect at the next epoch. */
    public void upsert(NodeConfig node) throws IOException {
        accepted("POST " + NODES, http.postJson(baseUrl + NODES, node.json(), PATIENCE));
    }

    public void enable(String id) throws IOException {
        switchTo(id, "enable");
    }

    public void disable(String id) throws IOException {
        switchTo(id, "disable");
    }

    private void switchTo(String id, String what) throws IOException {
        var path = NODES + "/" + URLEncoder.encode(id, StandardCharsets.UTF_8) + "/" + what;
        accepted("POST " + path, http.call("POST", baseUrl + path, Map.of(), new byte[0], PATIENCE));
    }

    private Optional<JsonNode> accepted(String call, HttpClient.Answer answer) throws IOException {
        if (answer.status() / 100 == 2) {
            return answer.json();
        }
        var told = answer.json().map(json -> json.path("error").asString(answer.text()));
        var text = call + " of " + baseUrl + " was answered status " + answer.status() + ": "
                + told.orElse(answer.text()).strip();
        if (answer.status() == 400 || answer.status() == 404) {
            throw new ConfigException(text);
        }
        throw new IOException(text);
    }
}
