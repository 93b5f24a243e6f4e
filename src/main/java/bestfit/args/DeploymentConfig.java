package bestfit.args;

/** What a node is told to run: the three fields of MLNode's {@code inference/up}. */
public record DeploymentConfig(String model, String dtype, VllmArgs args) {}
