package bestfit.cli;

import bestfit.config.Problems;
import bestfit.workload.ExperimentSpec;
import bestfit.workload.PromptSpec;
import java.net.URI;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** One experiment and where it is sent. */
record MeasureJob(
        ExperimentSpec spec,
        String nodeUrl,
        String model,
        @Nullable String accountAddress) {
    /** Adds a problem unless {@code url} is one of an HTTP server. */
    static void checkUrl(Problems problems, String where, String url) {
        if (!isHttp(url)) {
            problems.add(
                    where + ": \"" + url + "\" is not allowed; it takes an http URL such as http://127.0.0.1:8080.");
        }
    }

    private static boolean isHttp(String url) {
        try {
            var uri = URI.create(url);
            return "http".equals(uri.getScheme()) && uri.getHost() != null;
        } catch (IllegalArgumentException malformed) {
            return false;
        }
    }

    /** compressa-perf's rows in its order, then what it does not keep. */
    Map<String, String> parameters() {
        var rows = new LinkedHashMap<String, String>();
        rows.put("num_workers", Integer.toString(spec.numRunners()));
        rows.put("num_tasks", Integer.toString(spec.numTasks()));
        rows.put("node_url", nodeUrl);
        rows.put("max_tokens", Integer.toString(spec.maxTokens()));
        rows.put("model_name", model);
        rows.put("no_sign", "True");
        rows.put("old_sign", "False");
        rows.put("client_architecture", "bestfit");
        if (accountAddress != null) {
            rows.put("requester_address", accountAddress);
        }
        rows.putAll(promptParameters());
        return rows;
    }

    /** What the requests were made of, which compressa-perf does not keep. */
    Map<String, String> promptParameters() {
        var rows = new LinkedHashMap<String, String>();
        switch (spec.prompts()) {
            case PromptSpec.Generated(int count, int characters) -> {
                rows.put("num_prompts", Integer.toString(count));
                rows.put("prompt_length", Integer.toString(characters));
            }
            case PromptSpec.FromFile(var file, int characters) -> {
                rows.put("prompts_file", file.toString());
                rows.put("prompt_length", Integer.toString(characters));
            }
            case PromptSpec.Unique(int characters) -> rows.put("prompt_length", Integer.toString(characters));
        }
        rows.put("seed", Long.toString(spec.seed()));
        return rows;
    }
}
