package bestfit.node;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class BalancerTest {
    private final Balancer<String> balancer = new Balancer<>();
    private final List<Balancer.Backend<String>> backends = new ArrayList<>();

    private void healthy(String... names) {
        for (var name : names) {
            var backend = balancer.add(name);
            balancer.healthy(backend, true);
            backends.add(backend);
        }
    }

    private String take() {
        return balancer.take(0).map(Balancer.Backend::handle).orElse("none");
    }

    @Test
    void ties_goInTurn() {
        healthy("a", "b", "c");
        var order = new StringBuilder();
        for (int i = 0; i < 6; i++) {
            var backend = balancer.take(0).orElseThrow();
            order.append(backend.handle());
            balancer.release(backend, false);
        }
        assertThat(order).hasToString("abcabc");
    }

    @Test
    void fewestInFlight_goesFirst() {
        healthy("a", "b");
        take();
        take();
        balancer.release(backends.get(1), false);
        assertThat(take()).isEqualTo("b");
        assertThat(balancer.inFlight(backends.get(0))).isEqualTo(1);
    }

    @Test
    void sick_isSkipped_untilWell() {
        healthy("a", "b");
        balancer.healthy(backends.get(0), false);
        assertThat(take()).isEqualTo("b");
        assertThat(take()).isEqualTo("b");
        balancer.healthy(backends.get(0), true);
        assertThat(take()).isEqualTo("a");
    }

    @Test
    void afterABreak_theOtherIsTried_andTheBrokenOneOnlyIfAlone() {
        healthy("a", "b");
        var first = balancer.take(0).orElseThrow();
        balancer.release(first, true);
        assertThat(balancer.take(1).orElseThrow().handle()).isEqualTo("b");
        assertThat(balancer.take(2)).isEmpty();
        assertThat(take()).isEqualTo("b");
        balancer.healthy(backends.get(1), false);
        assertThat(take()).isEqualTo("a");
    }

    @Test
    void removedBackend_mayStillFinish_andItsSuccessorStartsAtZero() {
        healthy("a");
        var old = balancer.take(0).orElseThrow();
        balancer.remove(old);
        healthy("a");
        balancer.release(old, false);
        assertThat(balancer.inFlight(backends.get(1))).isZero();
        assertThat(take()).isEqualTo("a");
    }

    @Test
    void none_whenNoneIsHealthy() {
        balancer.add("a");
        assertThat(take()).isEqualTo("none");
    }
}
