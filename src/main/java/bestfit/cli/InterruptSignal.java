package bestfit.cli;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;

/**
 * Ctrl-C as an event. Java's shutdown hooks hear only the first, so the JDK's own {@code sun.misc.Signal} is used; by
 * reflection, for javac warns of its name whatever is suppressed.
 */
final class InterruptSignal {
    private InterruptSignal() {}

    /** From here on each Ctrl-C calls {@code handler} instead of ending the JVM. */
    static void handle(Runnable handler) {
        try {
            var signal = Class.forName("sun.misc.Signal");
            var type = Class.forName("sun.misc.SignalHandler");
            var proxy = Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, (_, method, arguments) -> {
                if (method.getName().equals("handle")) {
                    handler.run();
                }
                return null;
            });
            signal.getMethod("handle", signal, type)
                    .invoke(null, signal.getConstructor(String.class).newInstance("INT"), proxy);
        } catch (InvocationTargetException refused) {
            // A JVM started with -Xrs: Ctrl-C then ends it, and the same command goes on.
            if (!(refused.getCause() instanceof IllegalArgumentException)) {
                throw new IllegalStateException("the JDK refuses to hand over Ctrl-C", refused);
            }
        } catch (ReflectiveOperationException missing) {
            throw new IllegalStateException("every JDK from 9 to 25 has sun.misc.Signal", missing);
        }
    }
}
