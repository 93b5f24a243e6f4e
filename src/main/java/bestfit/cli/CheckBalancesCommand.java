package bestfit.cli;

import bestfit.config.ConfigException;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** compressa-perf's command on accounts: known, so that the answer to it is plain. */
@Command(name = "check-balances", hidden = true, mixinStandardHelpOptions = true, description = "Not supported.")
public final class CheckBalancesCommand implements Callable<Integer> {
    @Option(
            names = {"--node_url", "--node-url", "--seed_url", "--seed-url"},
            paramLabel = "URL",
            description = "Not used.")
    @Nullable
    private String nodeUrl;

    @Override
    public Integer call() {
        throw new ConfigException("check-balances" + SigningOptions.NOT_SUPPORTED);
    }
}
