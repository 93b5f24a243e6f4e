package bestfit.node;

import bestfit.args.VllmArgs;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/**
 * How instances share the devices of this server.
 *
 * @param count GPUs; cores for the embedded engine and for vLLM's CPU build
 */
record Devices(int count) {
    /** One contiguous range of devices per instance, as many as fit, at least one. */
    List<List<Integer>> ranges(VllmArgs args) {
        int each = args.devicesPerInstance();
        var ranges = new ArrayList<List<Integer>>();
        for (int first = 0; first == 0 || first + each <= count; first += each) {
            ranges.add(IntStream.range(first, first + each).boxed().toList());
        }
        return ranges;
    }
}
