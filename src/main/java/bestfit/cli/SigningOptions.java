package bestfit.cli;

import bestfit.config.Problems;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** compressa-perf's flags for signed requests: known, so that the answer to them is plain. */
final class SigningOptions {
    static final String NOT_SUPPORTED =
            " is not supported: bestfit sends no signed requests. Leave it out, and measure a node that takes unsigned ones (--no-sign).";

    @Option(
            names = {"--no-sign", "--no_sign"},
            description = "Send requests without signing; bestfit always does.")
    private boolean noSign;

    @Option(
            names = {"--account_address", "--account-address"},
            paramLabel = "ADDRESS",
            description = "Stored with the experiment; not sent.")
    @Nullable
    String accountAddress;

    @Option(
            names = {"--private_key_hex", "--private-key-hex"},
            hidden = true)
    @Nullable
    private String privateKey;

    @Option(
            names = {"--create-account-testnet", "--create_account_testnet"},
            hidden = true)
    private boolean createAccount;

    @Option(
            names = {"--account-name", "--account_name"},
            hidden = true)
    @Nullable
    private String accountName;

    @Option(
            names = {"--old-sign", "--old_sign"},
            hidden = true)
    private boolean oldSign;

    @Option(
            names = {"--inferenced-path", "--inferenced_path"},
            hidden = true)
    @Nullable
    private String inferencedPath;

    void check(Problems problems) {
        refuse(problems, privateKey != null, "--private_key_hex");
        refuse(problems, createAccount, "--create-account-testnet");
        refuse(problems, accountName != null, "--account-name");
        refuse(problems, oldSign, "--old-sign");
        refuse(problems, inferencedPath != null, "--inferenced-path");
    }

    private static void refuse(Problems problems, boolean given, String flag) {
        if (given) {
            problems.add(flag + NOT_SUPPORTED);
        }
    }
}
