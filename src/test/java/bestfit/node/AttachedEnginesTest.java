package bestfit.node;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import bestfit.http.HttpClient;
import bestfit.http.HttpServer;
import bestfit.http.Router;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AttachedEnginesTest {
    private static final Duration PATIENCE = Duration.ofSeconds(20);
    private final HttpClient http = new HttpClient();

    @TempDir
    Path home;

    private static HttpServer engine(String name, AtomicBoolean healthy) throws IOException {
        return HttpServer.start(
                "127.0.0.1",
                0,
                HttpServer.Limits.DEFAULTS,
                new Router()
                        .get("/health", exchange -> exchange.text(healthy.get() ? 200 : 503, ""))
                        .get("/metrics", exchange -> exchange.text(200, """
                                        vllm:num_requests_running{engine="0",model_name="tiny"} 3.0
                                        vllm:request_success_total{engine="0",finished_reason="stop",model_name="tiny"} 2.0
                                        python_info{version="3"} 1.0
                                        """))
                        .get("/v1/who", exchange -> exchange.text(200, name)));
    }

    @Test
    void enginesThatRunAlready_areBalanced_watched_andLeftAlone() throws IOException {
        var firstIsWell = new AtomicBoolean(true);
        try (var first = engine("first", firstIsWell);
                var second = engine("second", new AtomicBoolean(true));
                var node = NodeUnderTest.start(
                        home, setup -> setup.attached = List.of(URI.create(first.url()), URI.create(second.url())))) {
            assertThat(whoAnswers(node.inference)).containsExactly("first", "second");
            assertThat(whoAnswers(node.management)).containsExactly("first", "second");
            assertThat(node.down().status()).isEqualTo(409);

            firstIsWell.set(false);
            await().atMost(Duration.ofSeconds(4))
                    .untilAsserted(() -> assertThat(whoAnswers(node.inference)).containsExactly("second"));
            firstIsWell.set(true);
            await().atMost(Duration.ofSeconds(4))
                    .untilAsserted(() -> assertThat(whoAnswers(node.inference)).containsExactly("first", "second"));

            assertThat(node.answer(node.management + "/api/v1/metrics").text())
                    .contains("gonka_metrics_schema_info{version=\"1\"} 1\n")
                    .contains("vllm:num_requests_running{model_name=\"tiny\",replica=\"1\"} 3.0\n")
                    .contains(
                            "vllm:request_success_total{model_name=\"tiny\",replica=\"0\",finished_reason=\"stop\"} 2.0\n")
                    .doesNotContain("python_info");
            node.close();
            assertThat(http.get(first.url() + "/v1/who", PATIENCE).text()).isEqualTo("first");
            assertThatThrownBy(() -> node.answer(node.inference + "/v1/who")).isInstanceOf(IOException.class);
        }
    }

    private Set<String> whoAnswers(String url) throws IOException {
        var names = new TreeSet<String>();
        for (int i = 0; i < 4; i++) {
            names.add(http.get(url + "/v1/who", PATIENCE).text());
        }
        return names;
    }
}
