package bestfit.cli;

import bestfit.config.ConfigException;
import bestfit.config.Json;
import bestfit.engine.ArgumentError;
import bestfit.engine.EngineArgs;
import bestfit.engine.EngineLog;
import bestfit.engine.EngineLog.Writer;
import bestfit.engine.EngineServer;
import bestfit.engine.StartFailure;
import java.io.IOException;
import java.io.InputStream;
import java.net.BindException;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Runs the embedded engine as a process, with the exit codes and last words that vLLM has. */
@Command(
        name = "engine",
        mixinStandardHelpOptions = true,
        footerHeading = Main.EXAMPLES,
        footer = {"  bestfit engine tiny", "  bestfit engine tiny --port 8001 --tensor-parallel-size 2 --max-num-seqs 8"
        },
        description = {
            "Serves a model on this machine's cores through vLLM's OpenAI API.",
            "Takes vLLM's own args, and:",
            "  --port P, --host H     where to listen (port 0 takes a free one; default 127.0.0.1:8000)",
            "  --devices N            devices it may use; default: CUDA_VISIBLE_DEVICES, else the cores",
            "  --device-memory SIZE   memory of each device, such as 256MiB (the default)",
            "  --simulate SERVER      steps take as long as on these GPUs, such as 8x4070tis; tokens mean nothing",
            "  --time-scale X         simulated seconds that pass in one (default 1)",
            "  --gonka                logprobs as gonka's fork of vLLM has them: token ids, processed",
            "  --fault SPEC           fail on purpose: [tp=N:|pp=N:]KIND[:N], comma-separated; KIND is exit,",
            "                         never-ready, die, crash, hang, slow, oom, nan or reset"
        })
public final class EngineCommand implements Callable<Integer> {
    private static final String PARENT_PIPE = "BESTFIT_PARENT_PIPE";

    @Parameters(
            paramLabel = "MODEL [ARG]",
            arity = "0..*",
            description = "tiny, or a model's directory; then vLLM's args.")
    private List<String> tokens = new ArrayList<>();

    private final EngineLog log = new EngineLog(System.err);
    private final AtomicBoolean ending = new AtomicBoolean();
    private volatile @Nullable EngineServer running;

    /** vLLM's args are read by rules of their own, so picocli hands them over as they are. */
    @Spec
    void setSpec(CommandSpec spec) {
        spec.parser().unmatchedOptionsArePositionalParams(true);
    }

    @Override
    public Integer call() throws InterruptedException {
        EngineArgs args;
        try {
            args = EngineArgs.read(tokens, visibleDevices());
        } catch (ArgumentError refused) {
            if (refused.isInConfig()) {
                var words = String.valueOf(refused.getMessage());
                log.plain((isTyped(words) ? "" : "pydantic_core._pydantic_core.ValidationError: ") + words);
                return ExitCode.FAILED;
            }
            System.err.println("usage: bestfit engine MODEL [--port P] [--fault SPEC] [vLLM args]");
            System.err.println("bestfit engine: error: " + refused.getMessage());
            return ExitCode.BAD_INPUT;
        }
        Runtime.getRuntime().addShutdownHook(Thread.ofPlatform().unstarted(this::endAtSignal));
        if ("1".equals(System.getenv(PARENT_PIPE))) {
            Thread.ofPlatform().daemon().name("parent-pipe").start(() -> awaitEnd(System.in));
        }
        try {
            var server = EngineServer.start(args, log);
            running = server;
            System.out.println(Json.write(Json.object()
                    .put("engine", server.url())
                    .put("pid", ProcessHandle.current().pid())));
            System.out.flush();
            int code = server.ended().get();
            ending.set(true);
            server.close();
            return code;
        } catch (StartFailure failure) {
            return failed(failure);
        } catch (ConfigException unusable) {
            return failed(StartFailure.config(String.valueOf(unusable.getMessage())));
        } catch (BindException refused) {
            return failed(cannotBind(String.valueOf(refused.getMessage())));
        } catch (IOException | ExecutionException failure) {
            log.plain("OSError: " + failure.getMessage());
            return ExitCode.FAILED;
        } finally {
            ending.set(true);
        }
    }

    /** As Python names the operating system's answers. */
    private static StartFailure cannotBind(String problem) {
        var words = problem.endsWith("Address already in use")
                ? "OSError: [Errno 98] Address already in use"
                : problem.endsWith("Cannot assign requested address")
                        ? "OSError: [Errno 99] Cannot assign requested address"
                        : problem.endsWith("Permission denied")
                                ? "PermissionError: [Errno 13] Permission denied"
                                : problem.endsWith("unknown host")
                                        ? "socket.gaierror: [Errno -2] Name or service not known"
                                        : "OSError: " + problem;
        return StartFailure.config(words, problem + "; give another --port or --host");
    }

    private static boolean isTyped(String words) {
        return words.matches("(?s)[\\w.]*Error: .*");
    }

    private int failed(StartFailure failure) {
        // Before vLLM's words: what reads its logs looks at the last line.
        failure.help().ifPresent(help -> log.plain("bestfit: " + help));
        var words = (isTyped(failure.words()) ? "" : "ValueError: ") + failure.words();
        if (!failure.insideEngine()) {
            log.plain(words);
            return ExitCode.FAILED;
        }
        log.error(Writer.CORE, "core.py:1510", "EngineCore failed to start.");
        log.error(Writer.CORE, "core.py:1510", words);
        log.plain("RuntimeError: Engine core initialization failed. See root cause above. Failed core proc(s):"
                + " {'EngineCore': 1}");
        return ExitCode.FAILED;
    }

    /** The instance's devices as a node hands them out. */
    private static OptionalInt visibleDevices() {
        @Nullable String visible = System.getenv("CUDA_VISIBLE_DEVICES");
        return visible == null || visible.isBlank()
                ? OptionalInt.empty()
                : OptionalInt.of(visible.split(",", -1).length);
    }

    /** vLLM ends with 0 at SIGTERM, a JVM with 143: this hook has the last word. */
    private void endAtSignal() {
        if (ending.compareAndSet(false, true)) {
            var server = running;
            if (server != null) {
                server.close();
            }
            System.err.flush();
            Runtime.getRuntime().halt(ExitCode.OK);
        }
    }

    /** The parent that started this engine is gone when its end of the pipe is closed. */
    private static void awaitEnd(InputStream pipe) {
        try {
            pipe.skip(Long.MAX_VALUE);
            while (pipe.read() >= 0) {
                // What a parent writes means nothing.
            }
        } catch (IOException e) {
            // A broken pipe is an end as well.
        }
        System.exit(ExitCode.OK);
    }
}
