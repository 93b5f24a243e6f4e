package bestfit.cli;

import bestfit.config.ConfigException;
import bestfit.config.Json;
import bestfit.deploy.AdminClient;
import bestfit.deploy.NodeConfig;
import java.io.IOException;
import java.nio.file.Path;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code bestfit admin}: the nodes that a network node knows. */
@Command(
        name = "admin",
        mixinStandardHelpOptions = true,
        description = "Lists and changes the nodes that the network node's Admin API knows.")
public final class AdminCommand {
    private static final String DEFAULT_URL = "http://127.0.0.1:9200";

    @Option(
            names = "--admin",
            paramLabel = "URL",
            defaultValue = DEFAULT_URL,
            scope = picocli.CommandLine.ScopeType.INHERIT,
            description = "The Admin API (${DEFAULT-VALUE}).")
    private String url = DEFAULT_URL;

    private AdminClient client() {
        return new AdminClient(url);
    }

    @Command(
            name = "list",
            mixinStandardHelpOptions = true,
            description = "Every node with its timeslots, a line each.")
    int list() throws IOException {
        for (var each : client().list()) {
            System.out.println(each.id() + "  " + each.node().path("host").asString("") + "  timeslots now, next: "
                    + (each.timeslots().isEmpty() ? "not told" : each.timeslots()));
        }
        return ExitCode.OK;
    }

    @Command(name = "show", mixinStandardHelpOptions = true, description = "One node's configuration as JSON.")
    int show(@Parameters(paramLabel = "ID") String id) throws IOException {
        System.out.println(Json.write(client().read(id).node()));
        return ExitCode.OK;
    }

    @Command(
            name = "upsert",
            mixinStandardHelpOptions = true,
            description = "Registers or changes the nodes of a file; models take effect at the next epoch.")
    int upsert(
            @Parameters(paramLabel = "node-config.json") Path file,
            @Option(names = "--busy-too", description = "Also a node whose next timeslot is its own.") boolean busyToo)
            throws IOException {
        var nodes = NodeConfig.ofFile(file);
        var client = client();
        if (!busyToo) {
            for (var known : client.list()) {
                if (known.busyNext()
                        && nodes.stream().anyMatch(each -> each.id().equals(known.id()))) {
                    throw new ConfigException("node " + known.id() + " works for the network in its next timeslot;"
                            + " change it later, or force it with --busy-too");
                }
            }
        }
        for (var each : nodes) {
            client.upsert(each);
            System.err.println("node " + each.id() + " is set");
        }
        return ExitCode.OK;
    }

    @Command(name = "enable", mixinStandardHelpOptions = true, description = "Lets the network use a node.")
    int enable(@Parameters(paramLabel = "ID") String id) throws IOException {
        client().enable(id);
        return ExitCode.OK;
    }

    @Command(name = "disable", mixinStandardHelpOptions = true, description = "Keeps the network from using a node.")
    int disable(@Parameters(paramLabel = "ID") String id) throws IOException {
        client().disable(id);
        return ExitCode.OK;
    }
}
