package bestfit.node;

import bestfit.args.VllmArgs;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/**
 * What a node shares out to its instances.
 *
 * @param entries as {@code CUDA_VISIBLE_DEVICES} names GPUs; cores, for the embedded engine and for vLLM's CPU build, are
 *     numbered from 0
 */
public record Devices(List<String> entries) {
    public Devices {
        entries = List.copyOf(entries);
    }

    /** Those from 0 on. */
    public static Devices counted(int count) {
        return new Devices(IntStream.range(0, count).mapToObj(String::valueOf).toList());
    }

    /** The first {@code count}. */
    public Devices first(int count) {
        return new Devices(entries.subList(0, count));
    }

    public int count() {
        return entries.size();
    }

    /** One contiguous range of devices per instance, as many as fit. */
    List<List<String>> ranges(VllmArgs args) {
        int each = args.devicesPerInstance();
        var ranges = new ArrayList<List<String>>();
        for (int first = 0; first + each <= count(); first += each) {
            ranges.add(entries.subList(first, first + each));
        }
        return ranges;
    }
}
