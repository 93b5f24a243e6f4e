package bestfit.workload;

import bestfit.config.ConfigException;
import bestfit.config.ConfigReader;
import bestfit.config.Json;
import bestfit.config.Problems;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/** A YAML file that holds one workload or a list of them. */
public final class WorkloadFile {
    private WorkloadFile() {}

    /**
     * The map of one entry, and where it stands; an empty one besides a problem.
     *
     * @param name of the entry; null where the file has one
     * @throws ConfigException if the file cannot be read or is no YAML
     */
    public static Map.Entry<String, ObjectNode> entry(Path file, @Nullable String name, Problems problems) {
        var maps = ConfigReader.maps(file, problems);
        var matching = maps.entrySet().stream()
                .filter(each -> name == null || name(each.getValue()).equals(name))
                .toList();
        if (matching.size() != 1 && !maps.isEmpty()) {
            var known = maps.values().stream().map(WorkloadFile::name).toList();
            problems.add(
                    name == null
                            ? file + " holds " + maps.size() + " workloads; choose one with --entry: " + known + "."
                            : "--entry: \"" + name + "\" names " + matching.size() + " workloads of " + file
                                    + "; it has " + known + ".");
        }
        return matching.isEmpty() ? Map.entry(file.toString(), Json.object()) : matching.getFirst();
    }

    /**
     * All entries; to be used if there is no problem.
     *
     * @throws ConfigException if the file cannot be read or is no YAML
     */
    public static List<Workload> all(Path file, Problems problems) {
        return ConfigReader.ofFile(file, problems).stream().map(Workload::read).toList();
    }

    /** One entry, as {@link #entry} chooses it. */
    public static Workload one(Path file, @Nullable String name, Problems problems) {
        var entry = entry(file, name, problems);
        return Workload.read(new ConfigReader(entry.getKey(), entry.getValue(), problems));
    }

    private static String name(ObjectNode map) {
        return map.path("name").asString("");
    }
}
