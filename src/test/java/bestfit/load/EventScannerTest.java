package bestfit.load;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class EventScannerTest {
    @Test
    void events_areReadWithoutAllocation() {
        var counter = new int[1];
        var scanner = new EventScanner(ParserBenchmark.counting(counter));
        ByteBuf events = Unpooled.directBuffer()
                .writeBytes(ParserBenchmark.EVENT.repeat(100).getBytes(StandardCharsets.UTF_8));
        var threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        ParserBenchmark.feed(scanner, events, 50);
        long before = threads.getCurrentThreadAllocatedBytes();
        ParserBenchmark.feed(scanner, events, 500);
        long allocated = threads.getCurrentThreadAllocatedBytes() - before;
        assertThat(counter[0]).isEqualTo(55_000);
        // what the call of the counter itself allocates is all there is
        assertThat(allocated).isLessThan(50_000 / 10);
    }
}
