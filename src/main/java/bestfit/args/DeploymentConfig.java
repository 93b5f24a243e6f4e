package bestfit.args;

/** What a node is told to run: the three fields of MLNode's {@code inference/up}. */
public record DeploymentConfig(String model, String dtype, VllmArgs args) {
    /** The name by which requests ask for the model. */
    public String servedModel() {
        return args.value("--served-model-name").orElse(model);
    }
}
