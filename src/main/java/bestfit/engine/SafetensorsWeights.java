package bestfit.engine;

import bestfit.config.ConfigException;
import bestfit.config.Json;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/**
 * A checkpoint in safetensors files: 8 bytes length of a JSON header, the header, the tensors' bytes, all little-endian.
 * Files are mapped until closed; tensors may be read by several threads.
 */
final class SafetensorsWeights implements WeightSource {
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final long LARGEST_HEADER = 100_000_000;

    private final Path directory;
    private final Arena arena = Arena.ofShared();
    private final Map<String, Entry> entries = new HashMap<>();

    private record Entry(Path file, String dtype, String shape, MemorySegment bytes) {}

    private SafetensorsWeights(Path directory) {
        this.directory = directory;
    }

    /** The checkpoint's files in a directory, by name; empty if there are none. */
    static List<Path> files(Path directory) {
        try (var list = Files.list(directory)) {
            return list.filter(file -> file.getFileName().toString().endsWith(".safetensors"))
                    .sorted()
                    .toList();
        } catch (IOException e) {
            throw new ConfigException(directory + ": cannot be listed: " + e);
        }
    }

    /** @throws ConfigException if a file is no safetensors file */
    static SafetensorsWeights open(Path directory) {
        var weights = new SafetensorsWeights(directory);
        try {
            for (var file : files(directory)) {
                weights.addFile(file);
            }
        } catch (IOException | JacksonException | IndexOutOfBoundsException e) {
            weights.close();
            throw new ConfigException(directory + ": a safetensors file cannot be read: " + e.getMessage());
        } catch (ConfigException e) {
            weights.close();
            throw e;
        }
        return weights;
    }

    private void addFile(Path file) throws IOException {
        try (var channel = FileChannel.open(file, StandardOpenOption.READ)) {
            var whole = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena);
            long length = whole.byteSize() < Long.BYTES ? -1 : whole.get(LONG, 0);
            if (length < 2 || length > LARGEST_HEADER || length > whole.byteSize() - Long.BYTES) {
                throw new ConfigException(file + ": not a safetensors file: its header cannot be " + length + " bytes");
            }
            var header = whole.asSlice(Long.BYTES, length).toArray(ValueLayout.JAVA_BYTE);
            var data = whole.asSlice(Long.BYTES + length);
            for (var tensor :
                    Json.parse(new String(header, StandardCharsets.UTF_8)).properties()) {
                if (!tensor.getKey().equals("__metadata__")) {
                    entries.put(tensor.getKey(), entry(file, tensor.getValue(), data));
                }
            }
        }
    }

    private static Entry entry(Path file, JsonNode tensor, MemorySegment data) {
        long from = tensor.path("data_offsets").path(0).asLong(-1);
        long to = tensor.path("data_offsets").path(1).asLong(-1);
        var bytes = data.asSlice(from, to - from);
        return new Entry(
                file,
                tensor.path("dtype").asString("missing"),
                tensor.path("shape").toString(),
                bytes);
    }

    @Override
    public float[] tensor(String name, int rows, int columns, Role role) {
        var entry = entries.get(name);
        if (entry == null) {
            throw new ConfigException(directory + ": the safetensors files have no tensor " + name);
        }
        int bytes = switch (entry.dtype()) {
            case "F32" -> 4;
            case "BF16", "F16" -> 2;
            default ->
                throw new ConfigException(entry.file() + ": tensor " + name + " is of dtype " + entry.dtype()
                        + "; it must be F32, BF16 or F16");
        };
        int size = Math.multiplyExact(rows, columns);
        if (entry.bytes().byteSize() != (long) size * bytes) {
            throw new ConfigException(entry.file() + ": tensor " + name + " has the shape " + entry.shape()
                    + "; config.json asks for " + (rows == 1 ? columns : rows + " × " + columns));
        }
        return floats(entry, size);
    }

    private static float[] floats(Entry entry, int size) {
        var values = new float[size];
        var bytes = entry.bytes();
        for (int i = 0; i < size; i++) {
            values[i] = switch (entry.dtype()) {
                case "F32" -> Float.intBitsToFloat(bytes.get(INT, i * 4L));
                case "BF16" -> Float.intBitsToFloat(bytes.get(SHORT, i * 2L) << 16);
                default -> Float.float16ToFloat(bytes.get(SHORT, i * 2L));
            };
        }
        return values;
    }

    @Override
    public void close() {
        arena.close();
    }
}
