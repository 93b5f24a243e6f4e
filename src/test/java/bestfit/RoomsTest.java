package bestfit;

import static java.util.stream.Collectors.toCollection;
import static java.util.stream.Collectors.toMap;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** A room imports only from floors below its own, so there is no cycle and a room can be read alone. */
class RoomsTest {
    /** Floor by floor, from the ground up. */
    private static final List<List<String>> FLOORS = List.of(
            List.of("time", "config"),
            List.of("http", "openai", "mlnode", "failure", "args", "hardware", "model", "metrics", "grammar"),
            List.of("workload", "perf", "scheduler"),
            List.of("simulate", "engine", "load", "node", "deploy", "parity", "store"),
            List.of("tune"),
            List.of("report"),
            List.of("cli"));

    private static final Path ARCHITECTURE = Path.of("docs/architecture.md");

    private static final Map<String, Integer> FLOOR_OF = floorOf();

    @Test
    void everyImport_goesToALowerFloor() {
        var violations = new TreeSet<String>();
        for (JavaClass origin : classes()) {
            for (var dependency : origin.getDirectDependenciesFromSelf()) {
                var from = room(origin);
                var to = room(dependency.getTargetClass().getBaseComponentType());
                if (!to.isEmpty() && !to.equals(from) && floor(to) >= floor(from)) {
                    violations.add(from + " (floor " + floor(from) + ") imports " + to + " (floor " + floor(to) + "): "
                            + dependency.getDescription());
                }
            }
        }
        assertThat(violations).isEmpty();
    }

    @Test
    void everyClass_isInARoomWithAFloor() {
        assertThat(classes())
                .hasSizeGreaterThan(20)
                .allSatisfy(type -> assertThat(FLOOR_OF).as(type.getName()).containsKey(room(type)));
    }

    /** Exact both ways: an arrow that is no import, or an import that is no arrow, is named here. */
    @Test
    void pictureInArchitecturePage_isTheImports() throws IOException {
        var drawn = Pattern.compile("^ *(\\w+) --> (\\w+(?: & \\w+)*)$", Pattern.MULTILINE)
                .matcher(Files.readString(ARCHITECTURE))
                .results()
                .flatMap(line -> Stream.of(line.group(2).split(" & ", -1)).map(to -> line.group(1) + " --> " + to))
                .collect(toCollection(TreeSet::new));
        var imported = new TreeSet<String>();
        for (JavaClass origin : classes()) {
            for (var dependency : origin.getDirectDependenciesFromSelf()) {
                var from = room(origin);
                var to = room(dependency.getTargetClass().getBaseComponentType());
                if (!to.isEmpty() && !to.equals(from) && !from.equals("cli") && floor(to) > 0) {
                    imported.add(from + " --> " + to);
                }
            }
        }
        assertThat(drawn).isEqualTo(imported);
    }

    @Test
    void tableInArchitecturePage_isTheRooms() throws IOException {
        var listed = Pattern.compile("^\\| (\\d) \\| `(\\w+)` \\|", Pattern.MULTILINE)
                .matcher(Files.readString(ARCHITECTURE))
                .results()
                .collect(toMap(row -> row.group(2), row -> Integer.valueOf(row.group(1))));
        var present = classes().stream().map(RoomsTest::room).distinct().collect(toMap(room -> room, FLOOR_OF::get));
        assertThat(listed).isEqualTo(present);
    }

    private static JavaClasses classes() {
        return new ClassFileImporter()
                .withImportOption(new ImportOption.DoNotIncludeTests())
                .importPackages("bestfit");
    }

    /** The room of one of our classes; empty for everybody else's. */
    private static String room(JavaClass type) {
        var packages = type.getPackageName().split("\\.", -1);
        return packages[0].equals("bestfit") && packages.length > 1 ? packages[1] : "";
    }

    private static int floor(String room) {
        return FLOOR_OF.getOrDefault(room, Integer.MAX_VALUE);
    }

    private static Map<String, Integer> floorOf() {
        var floors = new HashMap<String, Integer>();
        for (int floor = 0; floor < FLOORS.size(); floor++) {
            for (var room : FLOORS.get(floor)) {
                floors.put(room, floor);
            }
        }
        return Map.copyOf(floors);
    }
}
