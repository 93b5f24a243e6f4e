package bestfit.store;

import bestfit.store.TrialRow.State;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Campaigns and their trials. Each call's effect is on the disk when it returns. Thread-safe. */
public final class CampaignStore {
    private static final String COLUMNS = "id, key, spec, created_epoch_ms, before, workload, result, seconds";

    private final Database database;

    public CampaignStore(Database database) {
        this.database = database;
    }

    /** A process, told apart from a later one with the same pid by its start. */
    public record Owner(long pid, long startEpochMillis) {
        public static Owner current() {
            return of(ProcessHandle.current());
        }

        private static Owner of(ProcessHandle process) {
            return new Owner(
                    process.pid(),
                    process.info().startInstant().map(Instant::toEpochMilli).orElse(0L));
        }

        boolean alive() {
            return ProcessHandle.of(pid)
                    .filter(ProcessHandle::isAlive)
                    .map(Owner::of)
                    .filter(this::equals)
                    .isPresent();
        }
    }

    /** Whose a campaign is now. */
    public sealed interface Claim {
        /** None with this key was unfinished. */
        record Started(CampaignRow campaign) implements Claim {}

        /** An earlier run of the same command did not finish. */
        record Resumed(CampaignRow campaign) implements Claim {}

        /** Another process is at it. */
        record Busy(long campaign, long pid) implements Claim {}
    }

    /**
     * Takes the unfinished campaign of this key, or begins one.
     *
     * @param fresh begins one even if an unfinished one is there
     */
    public Claim claim(String key, String spec, Owner owner, boolean fresh) {
        return claim(key, spec, "", owner, fresh);
    }

    /**
     * The same, where two campaigns would take each other's deployments away.
     *
     * @param node that no other living process may be at, as the specs have it under {@code where}; empty for one of its own
     */
    public Claim claim(String key, String spec, String node, Owner owner, boolean fresh) {
        return database.transaction(connection -> {
            for (var other : node.isEmpty() ? List.<CampaignRow>of() : openAt(connection, node)) {
                var holder = owner(connection, other.id());
                if (!holder.equals(owner) && holder.alive()) {
                    return new Claim.Busy(other.id(), holder.pid());
                }
            }
            var open = newestOpen(connection, key);
            if (open.isPresent()) {
                var holder = owner(connection, open.get().id());
                if (!holder.equals(owner) && holder.alive()) {
                    return new Claim.Busy(open.get().id(), holder.pid());
                }
                if (!fresh) {
                    setOwner(connection, open.get().id(), owner);
                    return new Claim.Resumed(open.get());
                }
            }
            return new Claim.Started(insert(connection, key, spec, owner));
        });
    }

    /** The unfinished campaign of a key, newest first; nothing is claimed. */
    public Optional<CampaignRow> open(String key) {
        return database.read(connection -> newestOpen(connection, key));
    }

    /** The unfinished campaigns on a node, newest first. */
    public List<CampaignRow> openAt(String node) {
        return database.read(connection -> openAt(connection, node));
    }

    public Optional<CampaignRow> find(long campaign) {
        return database.read(connection -> {
            try (var select =
                    connection.prepareStatement("SELECT " + COLUMNS + " FROM bestfit_campaigns WHERE id = ?")) {
                select.setLong(1, campaign);
                return row(select);
            }
        });
    }

    public void setBefore(long campaign, String json) {
        set(campaign, "before", json);
    }

    public void setWorkload(long campaign, String json) {
        set(campaign, "workload", json);
    }

    /** Ends it: the same command then begins a new one. */
    public void finish(long campaign, String result) {
        set(campaign, "result", result);
    }

    /** Adds to the time spent over all runs. */
    public void spend(long campaign, double seconds) {
        database.transaction(connection -> {
            try (var update =
                    connection.prepareStatement("UPDATE bestfit_campaigns SET seconds = seconds + ? WHERE id = ?")) {
                update.setDouble(1, seconds);
                update.setLong(2, campaign);
                return update.executeUpdate();
            }
        });
    }

    /** Before its deployment begins. */
    public long beginTrial(long campaign, int candidate, int deployment, String config) {
        return database.transaction(connection -> {
            try (var insert = connection.prepareStatement(
                    "INSERT INTO bestfit_trials (campaign_id, candidate, deployment, config, state, started_epoch_ms)"
                            + " VALUES (?, ?, ?, ?, ?, ?) RETURNING id")) {
                insert.setLong(1, campaign);
                insert.setInt(2, candidate);
                insert.setInt(3, deployment);
                insert.setString(4, config);
                insert.setString(5, State.RUNNING.name());
                insert.setLong(6, System.currentTimeMillis());
                return firstLong(insert);
            }
        });
    }

    /** Ties an experiment of compressa-perf's tables to a trial. */
    public void addExperiment(long trial, String name, long experiment) {
        database.transaction(connection -> {
            try (var insert = connection.prepareStatement(
                    "INSERT INTO bestfit_trial_experiments (trial_id, name, experiment_id) VALUES (?, ?, ?)")) {
                insert.setLong(1, trial);
                insert.setString(2, name);
                insert.setLong(3, experiment);
                return insert.executeUpdate();
            }
        });
    }

    /** What its engine says it is. */
    public void setEngine(long trial, String version) {
        database.transaction(connection -> {
            try (var update = connection.prepareStatement("UPDATE bestfit_trials SET engine = ? WHERE id = ?")) {
                update.setString(1, version);
                update.setLong(2, trial);
                return update.executeUpdate();
            }
        });
    }

    public void endTrial(
            long trial,
            State state,
            double seconds,
            double measuringSeconds,
            @Nullable String failure,
            @Nullable String checks,
            @Nullable String gpus) {
        database.transaction(connection -> {
            try (var update = connection.prepareStatement(
                    "UPDATE bestfit_trials SET state = ?, seconds = ?, measuring_seconds = ?, failure = ?, checks = ?,"
                            + " gpus = ? WHERE id = ?")) {
                update.setString(1, state.name());
                update.setDouble(2, seconds);
                update.setDouble(3, measuringSeconds);
                update.setString(4, failure);
                update.setString(5, checks);
                update.setString(6, gpus);
                update.setLong(7, trial);
                return update.executeUpdate();
            }
        });
    }

    /** All trials of a campaign in the order they began, those cut short among them. */
    public List<TrialRow> trials(long campaign) {
        return database.read(connection -> {
            var trials = new ArrayList<TrialRow>();
            try (var select = connection.prepareStatement(
                    "SELECT id, candidate, deployment, config, state, seconds, measuring_seconds, failure, checks, gpus, engine"
                            + " FROM bestfit_trials WHERE campaign_id = ? ORDER BY id")) {
                select.setLong(1, campaign);
                try (var rows = select.executeQuery()) {
                    while (rows.next()) {
                        trials.add(trial(connection, rows));
                    }
                }
            }
            return trials;
        });
    }

    private static TrialRow trial(Connection connection, ResultSet row) throws SQLException {
        var experiments = new LinkedHashMap<String, Long>();
        try (var select = connection.prepareStatement(
                "SELECT name, experiment_id FROM bestfit_trial_experiments WHERE trial_id = ? ORDER BY experiment_id")) {
            select.setLong(1, row.getLong(1));
            try (var rows = select.executeQuery()) {
                while (rows.next()) {
                    experiments.put(rows.getString(1), rows.getLong(2));
                }
            }
        }
        return new TrialRow(
                row.getLong(1),
                row.getInt(2),
                row.getInt(3),
                row.getString(4),
                State.valueOf(row.getString(5)),
                row.getDouble(6),
                row.getDouble(7),
                row.getString(8),
                row.getString(9),
                row.getString(10),
                row.getString(11),
                experiments);
    }

    private void set(long campaign, String column, String value) {
        database.transaction(connection -> {
            try (var update =
                    connection.prepareStatement("UPDATE bestfit_campaigns SET " + column + " = ? WHERE id = ?")) {
                update.setString(1, value);
                update.setLong(2, campaign);
                return update.executeUpdate();
            }
        });
    }

    private static CampaignRow insert(Connection connection, String key, String spec, Owner owner) throws SQLException {
        long now = System.currentTimeMillis();
        try (var insert = connection.prepareStatement(
                "INSERT INTO bestfit_campaigns (key, spec, created_epoch_ms, owner_pid, owner_start_ms)"
                        + " VALUES (?, ?, ?, ?, ?) RETURNING id")) {
            insert.setString(1, key);
            insert.setString(2, spec);
            insert.setLong(3, now);
            insert.setLong(4, owner.pid());
            insert.setLong(5, owner.startEpochMillis());
            return new CampaignRow(firstLong(insert), key, spec, now, null, null, null, 0);
        }
    }

    private static List<CampaignRow> openAt(Connection connection, String node) throws SQLException {
        try (var select = connection.prepareStatement(
                "SELECT " + COLUMNS
                        + " FROM bestfit_campaigns WHERE json_extract(spec, '$.where') = ? AND result IS NULL ORDER BY id DESC")) {
            select.setString(1, node);
            var rows = new ArrayList<CampaignRow>();
            try (var found = select.executeQuery()) {
                while (found.next()) {
                    rows.add(row(found));
                }
            }
            return rows;
        }
    }

    private static Optional<CampaignRow> newestOpen(Connection connection, String key) throws SQLException {
        try (var select = connection.prepareStatement("SELECT " + COLUMNS
                + " FROM bestfit_campaigns WHERE key = ? AND result IS NULL ORDER BY id DESC LIMIT 1")) {
            select.setString(1, key);
            return row(select);
        }
    }

    private static Optional<CampaignRow> row(PreparedStatement select) throws SQLException {
        try (var row = select.executeQuery()) {
            return row.next() ? Optional.of(row(row)) : Optional.empty();
        }
    }

    private static CampaignRow row(ResultSet row) throws SQLException {
        return new CampaignRow(
                row.getLong(1),
                row.getString(2),
                row.getString(3),
                row.getLong(4),
                row.getString(5),
                row.getString(6),
                row.getString(7),
                row.getDouble(8));
    }

    private static Owner owner(Connection connection, long campaign) throws SQLException {
        try (var select =
                connection.prepareStatement("SELECT owner_pid, owner_start_ms FROM bestfit_campaigns WHERE id = ?")) {
            select.setLong(1, campaign);
            try (var row = select.executeQuery()) {
                return new Owner(row.getLong(1), row.getLong(2));
            }
        }
    }

    private static void setOwner(Connection connection, long campaign, Owner owner) throws SQLException {
        try (var update = connection.prepareStatement(
                "UPDATE bestfit_campaigns SET owner_pid = ?, owner_start_ms = ? WHERE id = ?")) {
            update.setLong(1, owner.pid());
            update.setLong(2, owner.startEpochMillis());
            update.setLong(3, campaign);
            update.executeUpdate();
        }
    }

    private static long firstLong(PreparedStatement returning) throws SQLException {
        try (var rows = returning.executeQuery()) {
            return rows.getLong(1);
        }
    }
}
