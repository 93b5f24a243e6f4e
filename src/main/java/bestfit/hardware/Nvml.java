package bestfit.hardware;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;

/**
 * The driver's management library, bound by the names of its functions. Every function returns a status and writes its
 * answer where an argument points. Thread-safe, as NVML is.
 */
final class Nvml implements AutoCloseable {
    static final int SUCCESS = 0;

    /** Where containers and WSL put the library when the loader's path does not have it. */
    private static final List<Path> PLACES = List.of(
            Path.of("/usr/lib/x86_64-linux-gnu/libnvidia-ml.so.1"),
            Path.of("/usr/lib64/libnvidia-ml.so.1"),
            Path.of("/usr/local/nvidia/lib64/libnvidia-ml.so.1"),
            Path.of("/usr/lib/wsl/lib/libnvidia-ml.so.1"));

    private final SymbolLookup symbols;
    private final Map<String, Optional<MethodHandle>> functions = new ConcurrentHashMap<>();

    private Nvml(SymbolLookup symbols) {
        this.symbols = symbols;
    }

    /** Loads and initialises it; empty where there is no library, no driver, or they do not fit each other. */
    static Optional<Nvml> open() {
        return Stream.concat(Stream.of("libnvidia-ml.so.1"), PLACES.stream().map(Path::toString))
                .flatMap(name -> open(name).stream())
                .findFirst();
    }

    /** @param name of a file, or what the loader finds by its path */
    @SuppressWarnings("restricted") // the program is started with native access
    static Optional<Nvml> open(String name) {
        var arena = Arena.ofAuto(); // the library stays loaded as long as this object is reachable
        try {
            var nvml = new Nvml(
                    name.contains("/")
                            ? SymbolLookup.libraryLookup(Path.of(name), arena)
                            : SymbolLookup.libraryLookup(name, arena));
            if (nvml.call("nvmlInit_v2") == SUCCESS) {
                return Optional.of(nvml);
            }
        } catch (IllegalArgumentException | IllegalCallerException absent) {
            // No such library, or this program may not load any: no GPU to tell of either way.
        }
        return Optional.empty();
    }

    /**
     * Calls a function with whole numbers and addresses.
     *
     * @return its status; {@code NVML_ERROR_FUNCTION_NOT_FOUND} where this driver's library lacks it
     */
    int call(String function, Object... arguments) {
        var handle = functions.computeIfAbsent(function, name -> bind(name, arguments));
        if (handle.isEmpty()) {
            return 13;
        }
        try {
            return (int) handle.get().invokeWithArguments(arguments);
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable impossible) { // C functions throw nothing
            throw new IllegalStateException(function, impossible);
        }
    }

    @SuppressWarnings("restricted")
    private Optional<MethodHandle> bind(String function, Object[] arguments) {
        var layouts = Stream.of(arguments)
                .map(each -> each instanceof MemorySegment ? ValueLayout.ADDRESS : ValueLayout.JAVA_INT)
                .toArray(MemoryLayout[]::new);
        return symbols.find(function)
                .map(at ->
                        Linker.nativeLinker().downcallHandle(at, FunctionDescriptor.of(ValueLayout.JAVA_INT, layouts)));
    }

    @Override
    public void close() {
        call("nvmlShutdown");
    }
}
