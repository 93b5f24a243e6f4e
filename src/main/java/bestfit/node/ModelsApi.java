package bestfit.node;

import bestfit.config.Json;
import bestfit.http.Exchange;
import bestfit.mlnode.JsonBody;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/**
 * MLNode's endpoints for the models on this server. Models are fetched by the {@code huggingface_hub} of the Python that
 * runs vLLM, so a node without one fetches none. Thread-safe.
 */
final class ModelsApi {
    private static final int MOST_DOWNLOADS = 3;
    private static final Pattern REPO = Pattern.compile("[A-Za-z0-9][\\w.-]*(?:/[A-Za-z0-9][\\w.-]*)?");
    private static final Pattern COMMIT = Pattern.compile("[A-Za-z0-9][\\w.-]{0,99}");
    private static final Set<String> OFFLINE = Set.of("true", "1", "yes");
    private static final String FETCH = """
            import sys
            from huggingface_hub import snapshot_download
            snapshot_download(sys.argv[1], revision=sys.argv[2] or None)
            """;

    /** A model as the API names it; no commit means any, or the latest. */
    private record Model(String repo, String commit) {
        String key() {
            return repo + ":" + (commit.isEmpty() ? "latest" : commit);
        }

        ObjectNode toJson() {
            return Json.object().put("hf_repo", repo).put("hf_commit", commit.isEmpty() ? null : commit);
        }
    }

    /** A fetch under way, or one that failed. */
    private static final class Download {
        private final Process process;
        private final Instant begun = Instant.now();
        private volatile @Nullable String error;

        Download(Process process) {
            this.process = process;
        }
    }

    private final ModelCache cache;
    private final Optional<String> python;
    private final Map<String, String> environment;
    private final Map<String, Download> downloads = new ConcurrentHashMap<>();

    private ModelsApi(ModelCache cache, Optional<String> python, Map<String, String> environment) {
        this.cache = cache;
        this.python = python;
        this.environment = environment;
    }

    static ModelsApi of(EngineProgram engine, Map<String, String> environment) {
        Optional<String> python =
                engine instanceof EngineProgram.Vllm(var interpreter) ? Optional.of(interpreter) : Optional.empty();
        return new ModelsApi(ModelCache.of(environment), python, environment);
    }

    void list(Exchange exchange) throws IOException {
        exchange.json(200, cache.list());
    }

    void space(Exchange exchange) throws IOException {
        exchange.json(200, cache.space());
    }

    void status(Exchange exchange) throws IOException {
        var model = read(exchange);
        if (model.isEmpty()) {
            return;
        }
        var body = Json.object();
        body.set("model", model.get().toJson());
        var download = downloads.get(model.get().key());
        if (download != null && download.process.isAlive()) {
            body.put("status", "DOWNLOADING");
            body.putObject("progress")
                    .put("start_time", download.begun.toEpochMilli() / 1e3)
                    .put(
                            "elapsed_seconds",
                            Duration.between(download.begun, Instant.now()).toMillis() / 1e3);
            body.putNull("error_message");
        } else {
            body.put("status", cache.status(model.get().repo(), model.get().commit()))
                    .putNull("progress");
            body.put("error_message", download == null ? null : download.error);
        }
        exchange.json(200, body);
    }

    void download(Exchange exchange) throws IOException {
        var asked = read(exchange);
        if (asked.isEmpty()) {
            return;
        }
        var model = asked.get();
        if (OFFLINE.contains(environment.getOrDefault("HF_HUB_OFFLINE", "").toLowerCase(Locale.ROOT))) {
            accepted(exchange, model, model.key() + ":offline", "IGNORED");
        } else if (cache.status(model.repo(), model.commit()).equals("DOWNLOADED")) {
            accepted(exchange, model, model.key(), "DOWNLOADED");
        } else if (python.isEmpty()) {
            refuse(exchange, 400, "This node runs no vLLM whose Python could fetch " + model.key());
        } else {
            begin(exchange, model, python.get());
        }
    }

    private synchronized void begin(Exchange exchange, Model model, String interpreter) throws IOException {
        var running = downloads.get(model.key());
        if (running != null && running.process.isAlive()) {
            refuse(exchange, 409, "Model " + model.key() + " is already downloading");
            return;
        }
        long under = downloads.values().stream()
                .filter(each -> each.process.isAlive())
                .count();
        if (under >= MOST_DOWNLOADS) {
            refuse(exchange, 429, "Maximum concurrent downloads (" + MOST_DOWNLOADS + ") reached");
            return;
        }
        var builder = new ProcessBuilder(List.of(interpreter, "-c", FETCH, model.repo(), model.commit()))
                .redirectInput(new File("/dev/null"))
                .redirectErrorStream(true);
        builder.environment().clear();
        builder.environment().putAll(ChildEnvironment.of(environment));
        var download = new Download(builder.start());
        downloads.put(model.key(), download);
        Thread.ofPlatform().daemon().name("fetch " + model.key()).start(() -> await(model, download));
        accepted(exchange, model, model.key(), "DOWNLOADING");
    }

    private static void await(Model model, Download download) {
        try (var lines = download.process.inputReader(StandardCharsets.UTF_8)) {
            var last = "";
            for (var line = lines.readLine(); line != null; line = lines.readLine()) {
                last = line.isBlank() ? last : line;
            }
            if (download.process.waitFor() != 0) {
                download.error = last;
                NodeLog.warn("fetching " + model.key() + " failed: " + last);
            }
        } catch (IOException broken) {
            download.error = broken.getMessage();
        } catch (InterruptedException nobodyDoesThat) {
            Thread.currentThread().interrupt();
        }
    }

    void delete(Exchange exchange) throws IOException {
        var asked = read(exchange);
        if (asked.isEmpty()) {
            return;
        }
        var model = asked.get();
        var running = downloads.remove(model.key());
        boolean cancelled = false;
        if (running != null && running.process.isAlive()) {
            cancelled = true;
            running.process.destroy();
        }
        boolean deleted = cache.delete(model.repo(), model.commit());
        if (!deleted && !cancelled) {
            refuse(exchange, 404, "Model " + model.key() + " not found in cache");
            return;
        }
        var body = Json.object().put("status", cancelled ? "cancelled" : "deleted");
        body.set("model", model.toJson());
        exchange.json(200, body);
    }

    private static void accepted(Exchange exchange, Model model, String task, String status) {
        var body = Json.object().put("task_id", task).put("status", status);
        body.set("model", model.toJson());
        exchange.json(202, body);
    }

    /** Answers 422 itself when the body names no model; a name is also a path, so nothing but plain names is taken. */
    private static Optional<Model> read(Exchange exchange) {
        return switch (JsonBody.read(exchange.header("Content-Type"), exchange.body())) {
            case JsonBody.Fields(var body) -> {
                var problems = new ArrayList<ObjectNode>();
                var repo = JsonBody.string(body, "hf_repo", problems);
                boolean anyCommit =
                        !body.has("hf_commit") || body.path("hf_commit").isNull();
                var commit = anyCommit ? "" : JsonBody.string(body, "hf_commit", problems);
                if (problems.isEmpty() && !REPO.matcher(repo).matches()) {
                    problems.add(noName(body, "hf_repo"));
                }
                if (problems.isEmpty()
                        && !commit.isEmpty()
                        && !COMMIT.matcher(commit).matches()) {
                    problems.add(noName(body, "hf_commit"));
                }
                if (!problems.isEmpty()) {
                    exchange.json(422, JsonBody.answer(problems));
                }
                yield problems.isEmpty() ? Optional.of(new Model(repo, commit)) : Optional.empty();
            }
            case JsonBody.Invalid(int status, var answer) -> {
                exchange.json(status, answer);
                yield Optional.empty();
            }
        };
    }

    private static ObjectNode noName(ObjectNode body, String field) {
        return JsonBody.problem(
                "value_error", "Value error, not a name of a model or commit", body.get(field), "body", field);
    }

    private static void refuse(Exchange exchange, int status, String why) {
        exchange.json(status, Json.object().put("detail", why));
    }
}
