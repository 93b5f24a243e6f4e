package bestfit.deploy;

import static org.assertj.core.api.Assertions.assertThat;

import bestfit.config.Json;
import bestfit.http.Exchange;
import bestfit.http.HttpServer;
import bestfit.http.Router;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What is told of a running node, by its answers alone. */
class NodeDoctorTest {
    private static final Map<String, String> SOUND = Map.of(
            "/api/v1/state", "{'state':'INFERENCE'}",
            "/api/v1/inference/up/status", "{'status':'completed'}",
            "/api/v1/gpu/devices", "{'devices':[{'index':0,'is_available':true},{'index':1}],'count':2}");

    private final ConcurrentLinkedQueue<String> asked = new ConcurrentLinkedQueue<>();

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            nullValues = "-",
            value = {
                "- | - | 200 | -",
                "/api/v1/state | {'state':'STOPPED'} | - | -",
                "/api/v1/state | {'state':'STOPPED'} | 200 | WARNING stale-port",
                "/api/v1/state | {'detail':'Not Found'} | 200 | PROBLEM management",
                "/api/v1/state | 401 | 200 | NOTE management",
                "- | - | 500 | PROBLEM stale-port",
                "- | - | 503 | PROBLEM inference-port",
                "- | - | - | PROBLEM inference-port",
                "/api/v1/inference/up/status | {'status':'failed','error':'bad-arg: x'} | 200 | PROBLEM last-start",
                "/api/v1/gpu/devices | {'devices':[{'index':1,'is_available':false}]} | 200 | PROBLEM gpu",
                "/api/v1/gpu/inventory | {'links':[{'gpus':'0-1','p2p':false}]} | 200 | WARNING p2p",
                "/api/v1/gpu/inventory | {'gpus':[{'index':0,'slowed_by':['hw-thermal']}]} | 200 | WARNING clocks"
            })
    void eachSignIsFound_byReadingOnly(String path, String answer, Integer inference, String finding)
            throws IOException, InterruptedException {
        var router = new Router().on("*", "/*", exchange -> answer(exchange, path, answer));
        // A stale port fails only where requests meet.
        var calls = new AtomicInteger();
        var behind = new Router().on("*", "/*", exchange -> {
            asked.add(exchange.method());
            boolean first = calls.getAndIncrement() == 0;
            exchange.text(inference == 500 && first ? 200 : inference, "");
        });
        try (var management = HttpServer.start("127.0.0.1", 0, HttpServer.Limits.DEFAULTS, router);
                var port = HttpServer.start("127.0.0.1", 0, HttpServer.Limits.DEFAULTS, behind)) {
            if (inference == null) {
                port.close();
            }
            var seen = new NodeDoctor(new NodeAddress(management.url(), port.url())).look();
            assertThat(seen.findings().stream().map(each -> each.level() + " " + each.check()))
                    .isEqualTo(finding == null ? List.of() : List.of(finding));
            assertThat(seen.findings()).allMatch(each -> !each.fix().isEmpty());
            assertThat(asked).containsOnly("GET");
            if (path == null) {
                assertThat(seen.gpus()).isEqualTo(OptionalInt.of(2));
            }
        }
    }

    private void answer(Exchange exchange, String path, String answer) {
        asked.add(exchange.method());
        var text = exchange.path().equals(path) ? answer : SOUND.get(exchange.path());
        exchange.json(
                text == null ? 404 : text.equals("401") ? 401 : 200,
                Json.parse((text == null ? "{}" : text).replace('\'', '"')));
    }
}
