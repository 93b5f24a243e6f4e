package bestfit.deploy;

import bestfit.deploy.Finding.Level;
import bestfit.hardware.Gpu;
import bestfit.hardware.GpuReading;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import tools.jackson.databind.JsonNode;

/**
 * Looks at this machine: its GPUs and the ports it holds open.
 *
 * @param sockets the kernel's tables of TCP sockets, {@code /proc/net/tcp} and {@code tcp6}
 */
public record MachineDoctor(GpuReading gpus, List<Path> sockets) {
    private static final Set<Integer> MANAGEMENT = Set.of(8080, 9200, 9100);
    private static final Set<Integer> INFERENCE = Set.of(5000, 5050);
    private static final int LAST_ENGINE_PORT = 5016;
    private static final String LISTEN = "0A";

    public MachineDoctor {
        sockets = List.copyOf(sockets);
    }

    public static MachineDoctor here(GpuReading gpus) {
        return new MachineDoctor(gpus, List.of(Path.of("/proc/net/tcp"), Path.of("/proc/net/tcp6")));
    }

    public List<Finding> look() {
        var found = new ArrayList<Finding>();
        var json = gpus.toJson();
        links(json, found);
        clocks(json, found);
        for (var gpu : gpus.gpus()) {
            var error = gpu.error();
            if (error != null) {
                found.add(new Finding(Level.PROBLEM, "gpu", "GPU " + gpu.index(), error, "reset it, or leave it out"));
            }
        }
        open(found);
        return found;
    }

    /** @param inventory as {@code GET /api/v1/gpu/inventory} tells it */
    static void links(JsonNode inventory, List<Finding> found) {
        for (var link : inventory.path("links")) {
            if (link.path("p2p").isBoolean() && !link.path("p2p").booleanValue()) {
                found.add(new Finding(
                        Level.WARNING,
                        "p2p",
                        "GPUs " + link.path("gpus").asString(""),
                        "no peer-to-peer access (" + link.path("path").asString("unknown path")
                                + "): what tensor parallelism exchanges goes through the host's memory",
                        "small TP and more instances, or PP; --disable-custom-all-reduce saves vLLM's failed test"));
                return; // the first pair speaks for the server
            }
        }
    }

    static void clocks(JsonNode inventory, List<Finding> found) {
        for (var gpu : inventory.path("gpus")) {
            for (var reason : gpu.path("slowed_by")) {
                var name = reason.asString("");
                if (Gpu.isTrouble(name)) {
                    found.add(new Finding(
                            Level.WARNING,
                            "clocks",
                            "GPU " + gpu.path("index").asInt(0),
                            "its clocks are held down (" + name + ") at "
                                    + gpu.path("temperature_c").asInt(0) + " °C",
                            "look at its cooling and power supply before measuring"));
                }
            }
        }
    }

    private void open(List<Finding> found) {
        var reported = new LinkedHashSet<Integer>();
        for (var table : sockets) {
            try {
                for (var line : Files.readAllLines(table)) {
                    worldPort(line.strip().split("\\s+")).ifPresent(reported::add);
                }
            } catch (IOException absent) {
                // No such table on this system: nothing is said of ports.
            }
        }
        for (int port : reported) {
            boolean management = MANAGEMENT.contains(port);
            boolean engine = port > 5000 && port <= LAST_ENGINE_PORT;
            if (management || engine || INFERENCE.contains(port)) {
                found.add(new Finding(
                        Level.WARNING,
                        "exposed-port",
                        "port " + port,
                        "it listens on every address of this machine"
                                + (management
                                        ? ": whoever reaches it can stop the node or run a model of their choice"
                                        : ": whoever reaches it uses the GPUs without the network's control"),
                        "bind it to 127.0.0.1 or a private address (docker: -p 127.0.0.1:" + port + ":" + port
                                + "), or close it in the firewall"));
            }
        }
    }

    /** The port of a line of a socket listening on 0.0.0.0 or [::]. */
    private static java.util.OptionalInt worldPort(String[] cells) {
        if (cells.length < 4 || !cells[3].equals(LISTEN) || !cells[1].matches("0+:[0-9A-F]{4}")) {
            return java.util.OptionalInt.empty();
        }
        return java.util.OptionalInt.of(Integer.parseInt(cells[1].substring(cells[1].indexOf(':') + 1), 16));
    }
}
