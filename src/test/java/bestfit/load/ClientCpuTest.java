package bestfit.load;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

class ClientCpuTest {
    /** As the JVM's compiler threads end on a machine with many cores: what they had used came off the run. */
    @Test
    void threadThatEndsMeanwhile_takesNothingOffTheRun() throws InterruptedException {
        var used = new CountDownLatch(1);
        var mayEnd = new CountDownLatch(1);
        var thread = Thread.ofPlatform().start(() -> {
            burn(300);
            used.countDown();
            try {
                mayEnd.await();
            } catch (InterruptedException told) {
                Thread.currentThread().interrupt();
            }
        });
        used.await();
        var before = ClientCpu.now(0);
        mayEnd.countDown();
        thread.join();
        burn(50);
        var after = ClientCpu.now(1);
        assertThat(after.threads().containsAll(before.threads()))
                .as("a thread is gone")
                .isFalse();
        assertThat(after.cpuNanosSince(before)).isBetween(30e6, 20e9);
    }

    private static void burn(long millis) {
        var bean = java.lang.management.ManagementFactory.getThreadMXBean();
        long end = bean.getCurrentThreadCpuTime() + millis * 1_000_000;
        while (bean.getCurrentThreadCpuTime() < end) {
            Thread.onSpinWait();
        }
    }
}
