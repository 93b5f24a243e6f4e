package bestfit.node;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A cache in the form that huggingface_hub gives it. */
class ModelCacheTest {
    @TempDir
    Path home;

    private ModelCache cache;
    private Path model;

    @BeforeEach
    void twoCommits_shareAFile() throws IOException {
        cache = ModelCache.of(Map.of("HF_HOME", home.toString()));
        model = home.resolve("hub/models--org--name");
        Files.createDirectories(model.resolve("blobs"));
        for (var blob : new String[] {"shared", "old", "new"}) {
            Files.writeString(model.resolve("blobs").resolve(blob), blob);
        }
        link("1111", "config.json", "shared");
        link("1111", "model.safetensors", "old");
        link("2222", "config.json", "shared");
        link("2222", "model.safetensors", "new");
    }

    private void link(String commit, String file, String blob) throws IOException {
        var snapshot = Files.createDirectories(model.resolve("snapshots").resolve(commit));
        Files.createSymbolicLink(snapshot.resolve(file), Path.of("../../blobs", blob));
    }

    @Test
    void commitsAreTold() throws IOException {
        assertThat(cache.status("org/name", "")).isEqualTo("DOWNLOADED");
        assertThat(cache.status("org/name", "2222")).isEqualTo("DOWNLOADED");
        assertThat(cache.status("org/name", "3333")).isEqualTo("NOT_FOUND");
        Files.createFile(model.resolve("blobs/x.incomplete"));
        assertThat(cache.status("org/name", "2222")).isEqualTo("PARTIAL");
        assertThat(cache.list().path("models").size()).isEqualTo(2);
    }

    @Test
    void deletedCommit_frees_whatNoOtherNeeds() throws IOException {
        assertThat(cache.delete("org/name", "3333")).isFalse();
        assertThat(cache.delete("org/name", "1111")).isTrue();
        assertThat(model.resolve("blobs/old")).doesNotExist();
        assertThat(model.resolve("snapshots/2222/config.json")).hasContent("shared");
        assertThat(cache.delete("org/name", "2222")).isTrue();
        assertThat(model).doesNotExist();
    }

    @Test
    void cacheElsewhere_isLookedAt() throws IOException {
        var other = ModelCache.of(
                Map.of("HF_HOME", "/none", "HF_HUB_CACHE", home.resolve("hub").toString()));
        assertThat(other.status("org/name", "")).isEqualTo("DOWNLOADED");
    }
}
