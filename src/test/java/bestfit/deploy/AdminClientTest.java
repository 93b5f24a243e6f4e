package bestfit.deploy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import bestfit.config.ConfigException;
import bestfit.config.Json;
import bestfit.http.HttpServer;
import bestfit.http.Router;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Against a server with the Admin API's answers. */
class AdminClientTest {
    private static final String NODE = """
            {"id":"node1","host":"http://10.0.0.21","inference_port":5050,"poc_port":8080,"max_concurrent":800,"models":{"MiniMaxAI/MiniMax-M2.7":{"args":["--tensor-parallel-size","4"],"model_override":{"hf_repo":"x/y"}}}}""";

    private final List<String> calls = new CopyOnWriteArrayList<>();
    private HttpServer server;
    private AdminClient client;

    @BeforeEach
    void start() throws IOException {
        var router = new Router()
                .get(
                        "/admin/v1/nodes",
                        exchange -> exchange.json(
                                200,
                                Json.parse(
                                        "[{\"node\":" + NODE
                                                + ",\"state\":{\"timeslot_allocation\":[false,true]}},{\"node\":{\"id\":\"node2\"}}]")))
                .post("/admin/v1/nodes", exchange -> {
                    var body = new String(exchange.body(), StandardCharsets.UTF_8);
                    calls.add("upsert " + body);
                    boolean known = body.contains("MiniMax");
                    exchange.json(
                            known ? 200 : 400,
                            known ? Json.parse(body) : Json.object().put("error", "not valid governance models"));
                })
                .post("/admin/v1/nodes/node1/disable", exchange -> {
                    calls.add("disable");
                    exchange.json(200, Json.object().put("node_id", "node1"));
                });
        server = HttpServer.start("127.0.0.1", 0, HttpServer.Limits.DEFAULTS, router);
        client = new AdminClient(server.url() + "/");
    }

    @AfterEach
    void stop() {
        server.close();
    }

    @Test
    void listsNodesWithTheirTimeslots() throws IOException {
        var nodes = client.list();
        assertThat(nodes).extracting(AdminClient.Registered::id).containsExactly("node1", "node2");
        assertThat(nodes).extracting(AdminClient.Registered::busyNext).containsExactly(true, false);
        assertThatThrownBy(() -> client.read("node9"))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("node1, node2");
    }

    @Test
    void upsertSendsTheWholeNode_fieldsWeDoNotReadIncluded() throws IOException {
        client.upsert(NodeConfig.read("node", NODE).getFirst());
        assertThat(calls).containsExactly("upsert " + NODE);
    }

    @Test
    void refusalIsTheUsersToRead() {
        var other = NODE.replace("MiniMaxAI/MiniMax-M2.7", "no/such");
        assertThatThrownBy(() -> client.upsert(NodeConfig.read("node", other).getFirst()))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("not valid governance models");
    }

    @Test
    void disables_andAnUnknownNodeIsNamed() throws IOException {
        client.disable("node1");
        assertThat(calls).containsExactly("disable");
        assertThatThrownBy(() -> client.enable("node9"))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("node9");
    }
}
