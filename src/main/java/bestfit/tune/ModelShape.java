package bestfit.tune;

/**
 * What a layout depends on.
 *
 * @param weightBytes of the whole model
 * @param kvBytesPerToken over all layers
 * @param maxModelLen longest request in tokens
 */
public record ModelShape(
        String name, int heads, int kvHeads, int layers, long weightBytes, long kvBytesPerToken, int maxModelLen) {}
