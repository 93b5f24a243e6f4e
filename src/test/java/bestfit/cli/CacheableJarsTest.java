package bestfit.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import java.io.IOException;
import java.lang.classfile.ClassFile;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.zip.ZipFile;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;
import tools.jackson.databind.JsonNode;

class CacheableJarsTest {
    @TempDir
    Path folder;

    private Path old;
    private Path recent;

    @BeforeEach
    void copyJars() throws IOException {
        old = copy(CommandLine.class, "old.jar");
        recent = copy(JsonNode.class, "recent.jar");
    }

    private Path copy(Class<?> of, String name) throws IOException {
        var jar = Path.of(of.getProtectionDomain().getCodeSource().getLocation().getPath());
        return Files.copy(jar, folder.resolve(name));
    }

    private static List<String> names(ZipFile zip) {
        return zip.stream().map(each -> each.getName()).toList();
    }

    @Test
    void oldClassesGetStackMaps_andAllOfThemAreVerifiedWithThem() throws IOException {
        var before = new ZipFile(old.toFile());
        CacheableJars.main(new String[] {folder.toString()});
        try (before;
                var after = new ZipFile(old.toFile());
                var loader = new URLClassLoader(new URL[] {old.toUri().toURL()}, null)) {
            assertThat(names(after)).isEqualTo(names(before));
            for (var name : names(after)) {
                if (!name.endsWith(".class") || name.startsWith("META-INF/")) {
                    continue;
                }
                var bytes = after.getInputStream(after.getEntry(name)).readAllBytes();
                assertThat(ClassFile.of().parse(bytes).majorVersion()).isGreaterThan(ClassFile.JAVA_6_VERSION);
                var type = name.substring(0, name.length() - ".class".length()).replace('/', '.');
                assertThatCode(() -> Class.forName(type, true, loader)).as(type).doesNotThrowAnyException();
            }
        }
    }

    @Test
    void whatIsNewEnoughStaysAsItIs() throws IOException {
        var before = Files.readAllBytes(recent);
        CacheableJars.main(new String[] {folder.toString()});
        assertThat(recent).hasBinaryContent(before);
        assertThat(folder.toFile().list()).containsExactlyInAnyOrder("old.jar", "recent.jar");
    }
}
