package bestfit.store;

import java.util.List;

/** Our own tables of campaigns; the experiments of their trials are in compressa-perf's. */
final class CampaignTables {
    /** A step of {@link Migrations}. Structures that are only read back whole are JSON. */
    static final List<String> STEP = List.of(
            """
            CREATE TABLE bestfit_campaigns (
                id INTEGER PRIMARY KEY AUTOINCREMENT,
                key TEXT NOT NULL,
                spec TEXT NOT NULL,
                created_epoch_ms INTEGER NOT NULL,
                owner_pid INTEGER NOT NULL,
                owner_start_ms INTEGER NOT NULL,
                before TEXT,
                workload TEXT,
                result TEXT,
                seconds REAL NOT NULL DEFAULT 0
            )""",
            "CREATE INDEX bestfit_campaigns_by_key ON bestfit_campaigns(key)",
            """
            CREATE TABLE bestfit_trials (
                id INTEGER PRIMARY KEY AUTOINCREMENT,
                campaign_id INTEGER NOT NULL REFERENCES bestfit_campaigns(id),
                candidate INTEGER NOT NULL,
                deployment INTEGER NOT NULL,
                config TEXT NOT NULL,
                state TEXT NOT NULL,
                started_epoch_ms INTEGER NOT NULL,
                seconds REAL NOT NULL DEFAULT 0,
                measuring_seconds REAL NOT NULL DEFAULT 0,
                failure TEXT,
                checks TEXT
            )""",
            "CREATE INDEX bestfit_trials_by_campaign ON bestfit_trials(campaign_id)",
            """
            CREATE TABLE bestfit_trial_experiments (
                trial_id INTEGER NOT NULL REFERENCES bestfit_trials(id),
                name TEXT NOT NULL,
                experiment_id INTEGER NOT NULL REFERENCES Experiments(id),
                PRIMARY KEY (trial_id, name)
            )""");

    /** The next step: what the GPUs did while a trial was measured, JSON. */
    static final List<String> GPUS = List.of("ALTER TABLE bestfit_trials ADD COLUMN gpus TEXT");

    /** The next: what {@code /version} of a trial's engine said, in whose release's table its figures belong. */
    static final List<String> ENGINE = List.of("ALTER TABLE bestfit_trials ADD COLUMN engine TEXT");

    private CampaignTables() {}
}
