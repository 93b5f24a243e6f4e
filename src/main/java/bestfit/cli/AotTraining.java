package bestfit.cli;

import java.util.List;

/**
 * What the launcher runs once after a build so that the JVM can keep the classes of every command, loaded and
 * linked, in an AOT cache (JEP 514). Its output is of no use to anybody.
 */
final class AotTraining {
    private AotTraining() {}

    public static void main(String[] args) {
        Main.run("version", "--json");
        for (var name : List.copyOf(Main.commandLine().getSubcommands().keySet())) {
            Main.run("help", name);
        }
        Main.run("help");
    }
}
