package bestfit.workload;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RateSearchTest {
    @ParameterizedTest
    @ValueSource(doubles = {0.1, 0.9, 1, 3.3, 64, 700})
    void limit_isFoundWithinPrecision(double limit) {
        var search = new RateSearch(0.05, 1, 1000, 0.05);
        int tries = 0;
        while (search.next().isPresent()) {
            search.tell(search.next().getAsDouble() <= limit);
            tries++;
        }
        assertThat(search.highestPassed().orElseThrow()).isBetween(limit / 1.05, limit);
        assertThat(search.lowestFailed().orElseThrow()).isGreaterThan(limit);
        assertThat(tries).isLessThan(21);
    }

    @ParameterizedTest
    @ValueSource(doubles = {0.01, 5000})
    void limitOutOfRange_isTold(double limit) {
        var search = new RateSearch(0.05, 1, 1000, 0.05);
        while (search.next().isPresent()) {
            search.tell(search.next().getAsDouble() <= limit);
        }
        assertThat(search.highestPassed().isPresent()).isEqualTo(limit > 1000);
        assertThat(search.lowestFailed().isPresent()).isEqualTo(limit < 1);
    }

    @ParameterizedTest
    @ValueSource(doubles = {0.9, 20, 209, 500})
    void limitThatShortProbesOverestimate_isFoundByThoroughOnes(double limit) {
        var search = new RateSearch(0.05, 1, 1000, 0.05);
        int thorough = 0;
        while (search.next().isPresent()) {
            thorough += search.thorough() ? 1 : 0;
            search.tell(search.next().getAsDouble() <= (search.thorough() ? limit : 2.6 * limit));
        }
        assertThat(search.highestPassed().orElseThrow()).isBetween(limit / 1.05, limit);
        assertThat(search.lowestFailed().orElseThrow()).isGreaterThan(limit);
        assertThat(thorough).isLessThan(10);
    }
}
