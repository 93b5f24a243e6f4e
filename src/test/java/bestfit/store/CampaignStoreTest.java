package bestfit.store;

import static org.assertj.core.api.Assertions.assertThat;

import bestfit.store.CampaignStore.Claim;
import bestfit.store.CampaignStore.Owner;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CampaignStoreTest {
    /** A pid that lives, with a start that is not its own: a later process took the number over. */
    private static final Owner DEAD = new Owner(ProcessHandle.current().pid(), 1);

    private static final Owner ALIVE = Owner.current();

    @TempDir
    Path folder;

    private Database open() {
        return Database.open(folder.resolve("db.sqlite"), folder.resolve("home"));
    }

    @Test
    void unfinishedCampaignOfADeadOwnerGoesOnAfterReopening() {
        long id;
        try (var database = open()) {
            var store = new CampaignStore(database);
            id = ((Claim.Started) store.claim("key", "{}", DEAD, false))
                    .campaign()
                    .id();
            store.setBefore(id, "null");
            store.setWorkload(id, "{\"users\":4}");
            long trial = store.beginTrial(id, 2, 0, "{}");
            long experiment = new ExperimentStore(database).begin("short", null, Map.of());
            store.addExperiment(trial, "short", experiment);
            store.endTrial(trial, TrialRow.State.MEASURED, 12.5, 8, null, null, "[{\"index\":0}]");
            store.beginTrial(id, 0, 0, "{}");
        }
        try (var database = open()) {
            var store = new CampaignStore(database);
            var claim = store.claim("key", "{}", ALIVE, false);
            assertThat(claim).isInstanceOfSatisfying(Claim.Resumed.class, resumed -> {
                assertThat(resumed.campaign().id()).isEqualTo(id);
                assertThat(resumed.campaign().workload()).isEqualTo("{\"users\":4}");
            });
            assertThat(store.trials(id)).extracting(TrialRow::finished).containsExactly(true, false);
            assertThat(store.trials(id).getFirst().experiments()).containsOnlyKeys("short");
            assertThat(store.trials(id).getFirst().gpus()).isEqualTo("[{\"index\":0}]");
        }
    }

    @Test
    void livingOwnerIsNotDisturbedAndFinishedCampaignsAreNotReopened() {
        try (var database = open()) {
            var store = new CampaignStore(database);
            long id = ((Claim.Started) store.claim("key", "{}", ALIVE, false))
                    .campaign()
                    .id();
            assertThat(store.claim("key", "{}", DEAD, true)).isEqualTo(new Claim.Busy(id, ALIVE.pid()));
            assertThat(store.claim("other", "{}", DEAD, false)).isInstanceOf(Claim.Started.class);
            store.finish(id, "{}");
            assertThat(store.claim("key", "{}", DEAD, false)).isInstanceOf(Claim.Started.class);
        }
    }

    @Test
    void newCampaignIsForcedBesideAnUnfinishedOne() {
        try (var database = open()) {
            var store = new CampaignStore(database);
            long first = ((Claim.Started) store.claim("key", "{}", DEAD, false))
                    .campaign()
                    .id();
            assertThat(store.claim("key", "{}", ALIVE, true))
                    .isInstanceOfSatisfying(
                            Claim.Started.class,
                            started -> assertThat(started.campaign().id()).isGreaterThan(first));
        }
    }

    /** Another workload is another campaign, and would take this one's deployment away. */
    @Test
    void oneLivingCampaignANode() {
        try (var database = open()) {
            var store = new CampaignStore(database);
            var spec = "{\"where\":\"http://h:8080\"}";
            long id = ((Claim.Started) store.claim("key", spec, "http://h:8080", ALIVE, false))
                    .campaign()
                    .id();
            assertThat(store.claim("other", spec, "http://h:8080", DEAD, true))
                    .isEqualTo(new Claim.Busy(id, ALIVE.pid()));
            assertThat(store.claim("third", "{\"where\":\"http://i:8080\"}", "http://i:8080", DEAD, false))
                    .isInstanceOf(Claim.Started.class);
            store.finish(id, "{}");
            assertThat(store.claim("other", spec, "http://h:8080", DEAD, false)).isInstanceOf(Claim.Started.class);
            assertThat(store.openAt("http://h:8080")).hasSize(1);
        }
    }
}
