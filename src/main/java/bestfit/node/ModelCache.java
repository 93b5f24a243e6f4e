package bestfit.node;

import bestfit.config.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import tools.jackson.databind.node.ObjectNode;

/**
 * The Hugging Face cache of this server.
 *
 * @param hub the folder of {@code models--ORG--NAME} folders
 */
record ModelCache(Path hub) {
    private static final double BYTES_PER_GB = 1 << 30;

    static ModelCache of(Map<String, String> environment) {
        var home = environment.getOrDefault("HOME", System.getProperty("user.home"));
        var hfHome = Optional.ofNullable(environment.get("HF_HOME"))
                .map(Path::of)
                .orElse(Path.of(home, ".cache", "huggingface"));
        return new ModelCache(Optional.ofNullable(environment.get("HF_HUB_CACHE"))
                .map(Path::of)
                .orElse(hfHome.resolve("hub")));
    }

    ObjectNode list() throws IOException {
        var body = Json.object();
        var models = body.putArray("models");
        for (var folder : folders(hub, "models--")) {
            for (var snapshot : folders(folder.resolve("snapshots"), "")) {
                var entry = models.addObject();
                entry.putObject("model")
                        .put("hf_repo", repo(folder))
                        .put("hf_commit", snapshot.getFileName().toString());
                entry.put("status", complete(folder) ? "DOWNLOADED" : "PARTIAL");
            }
        }
        return body;
    }

    ObjectNode space() throws IOException {
        long used = 0;
        if (Files.isDirectory(hub)) {
            try (var files = Files.walk(hub)) {
                used = files.filter(file -> Files.isRegularFile(file) && !Files.isSymbolicLink(file))
                        .mapToLong(file -> file.toFile().length())
                        .sum();
            }
        }
        var existing = hub;
        while (!Files.exists(existing) && existing.getParent() != null) {
            existing = existing.getParent();
        }
        return Json.object()
                .put("cache_size_gb", used / BYTES_PER_GB)
                .put("available_gb", Files.getFileStore(existing).getUsableSpace() / BYTES_PER_GB)
                .put("cache_path", hub.toString());
    }

    /** Removes one commit, or with an empty {@code commit} all of the model; false if there is none. */
    boolean delete(String repo, String commit) throws IOException {
        for (var folder : folders(hub, "models--")) {
            if (repo(folder).equals(repo)) {
                var snapshots = folders(folder.resolve("snapshots"), "");
                boolean all = commit.isEmpty()
                        || (snapshots.size() == 1 && snapshots.getFirst().endsWith(commit));
                return all ? deleteTree(folder) : deleteCommit(folder, commit);
            }
        }
        return false;
    }

    /** A snapshot is links to files that other commits may share; those that none needs any more take the disk. */
    private static boolean deleteCommit(Path folder, String commit) throws IOException {
        var snapshots = folder.resolve("snapshots");
        if (!deleteTree(snapshots.resolve(commit))) {
            return false;
        }
        var needed = new HashSet<Path>();
        try (var files = Files.walk(snapshots)) {
            for (var file : files.filter(Files::isSymbolicLink).toList()) {
                needed.add(Files.readSymbolicLink(file).getFileName());
            }
        }
        for (var blob : children(folder.resolve("blobs"))) {
            if (!needed.contains(blob.getFileName()) && !isIncomplete(blob)) {
                Files.delete(blob);
            }
        }
        return true;
    }

    private static boolean deleteTree(Path root) throws IOException {
        if (!Files.isDirectory(root)) {
            return false;
        }
        try (var files = Files.walk(root)) {
            for (var file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
        return true;
    }

    /** {@code DOWNLOADED}, {@code PARTIAL} or {@code NOT_FOUND}; an empty commit stands for any. */
    String status(String repo, String commit) throws IOException {
        for (var folder : folders(hub, "models--")) {
            if (repo(folder).equals(repo)) {
                boolean there = folders(folder.resolve("snapshots"), "").stream()
                        .anyMatch(snapshot -> commit.isEmpty() || snapshot.endsWith(commit));
                return !there ? "NOT_FOUND" : complete(folder) ? "DOWNLOADED" : "PARTIAL";
            }
        }
        return "NOT_FOUND";
    }

    private static String repo(Path folder) {
        return folder.getFileName().toString().substring("models--".length()).replace("--", "/");
    }

    private static boolean complete(Path folder) throws IOException {
        return children(folder.resolve("blobs")).stream().noneMatch(ModelCache::isIncomplete);
    }

    private static boolean isIncomplete(Path blob) {
        return blob.toString().endsWith(".incomplete");
    }

    private static List<Path> folders(Path parent, String prefix) throws IOException {
        return children(parent).stream()
                .filter(child -> child.getFileName().toString().startsWith(prefix) && Files.isDirectory(child))
                .toList();
    }

    private static List<Path> children(Path folder) throws IOException {
        if (!Files.isDirectory(folder)) {
            return List.of();
        }
        try (var children = Files.list(folder)) {
            return children.sorted().toList();
        }
    }
}
