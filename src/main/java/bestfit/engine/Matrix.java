package bestfit.engine;

/**
 * A weight matrix in panels: {@code panel} outputs side by side for each input, so that one vector load brings
 * neighbouring outputs. With a panel of 1 it is row-major. The last panel is filled up with zeros.
 */
record Matrix(float[] data, int outputs, int inputs, int panel) {

    static Matrix pack(float[] rowMajor, int outputs, int inputs, int panel) {
        var data = new float[Math.multiplyExact(Math.ceilDiv(outputs, panel) * panel, inputs)];
        for (int o = 0; o < outputs; o++) {
            int to = o / panel * panel * inputs + o % panel;
            int from = o * inputs;
            for (int i = 0; i < inputs; i++) {
                data[to + i * panel] = rowMajor[from + i];
            }
        }
        return new Matrix(data, outputs, inputs, panel);
    }

    float weight(int output, int input) {
        return data[(output / panel * inputs + input) * panel + output % panel];
    }
}
