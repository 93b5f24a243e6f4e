package bestfit.cli;

import java.io.IOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassFileVersion;
import java.lang.classfile.ClassTransform;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;

/**
 * What the launcher runs once after a build: gives classes older than Java 6 the stack maps that came with it, and a
 * version that goes with them. An AOT cache takes no others (JEP 483), so every start would load and verify them anew;
 * picocli's are as old as that. Takes folders of jars, which must be on the class path.
 */
final class CacheableJars {
    private static final int WITH_STACK_MAPS = ClassFile.JAVA_6_VERSION;

    /** The first that may not fall back on being verified without them. */
    private static final int NEW_VERSION = ClassFile.JAVA_7_VERSION;

    private CacheableJars() {}

    public static void main(String[] folders) throws IOException {
        for (var folder : folders) {
            try (var jars = Files.newDirectoryStream(Path.of(folder), "*.jar")) {
                for (var jar : jars) {
                    if (hasOldClasses(jar)) {
                        rewrite(jar);
                    }
                }
            }
        }
    }

    private static boolean hasOldClasses(Path jar) throws IOException {
        try (var zip = new ZipFile(jar.toFile())) {
            for (var entry : zip.stream().toList()) {
                if (isOld(entry, bytes(zip, entry))) {
                    return true;
                }
            }
        }
        return false;
    }

    private static void rewrite(Path jar) throws IOException {
        var next = jar.resolveSibling(jar.getFileName() + ".next");
        try (var zip = new ZipFile(jar.toFile());
                var out = new ZipOutputStream(Files.newOutputStream(next))) {
            for (var entry : zip.stream().toList()) {
                var copy = new ZipEntry(entry.getName());
                copy.setTime(entry.getTime());
                out.putNextEntry(copy);
                out.write(renewed(entry, bytes(zip, entry)));
                out.closeEntry();
            }
        }
        Files.move(next, jar, StandardCopyOption.REPLACE_EXISTING);
    }

    private static boolean isOld(ZipEntry entry, byte[] bytes) {
        return entry.getName().endsWith(".class") && ClassFile.of().parse(bytes).majorVersion() < WITH_STACK_MAPS;
    }

    private static byte[] bytes(ZipFile zip, ZipEntry entry) throws IOException {
        try (var in = zip.getInputStream(entry)) {
            return in.readAllBytes();
        }
    }

    private static byte[] renewed(ZipEntry entry, byte[] bytes) {
        if (!isOld(entry, bytes)) {
            return bytes;
        }
        ClassTransform version = (builder, element) -> {
            if (element instanceof ClassFileVersion) {
                builder.withVersion(NEW_VERSION, 0);
            } else {
                builder.with(element);
            }
        };
        // Bodies that nothing touches are copied as they are, without stack maps.
        var bodies = ClassTransform.transformingMethodBodies((builder, element) -> builder.with(element));
        var file = ClassFile.of(ClassFile.StackMapsOption.GENERATE_STACK_MAPS);
        return file.transformClass(file.parse(bytes), version.andThen(bodies));
    }
}
