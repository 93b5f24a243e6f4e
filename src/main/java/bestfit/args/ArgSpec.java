package bestfit.args;

/**
 * What is known of one of vLLM's flags.
 *
 * @param flag canonical long form
 * @param values how many values it takes; 0 for a switch
 */
public record ArgSpec(String flag, ArgEffect effect, int values) {}
