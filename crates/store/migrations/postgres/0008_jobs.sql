-- due_time is when the row is looked at next: at its time, for another try, or at the end of a claim.
CREATE TABLE job (
    name         TEXT   COLLATE "C" NOT NULL PRIMARY KEY,
    kind         TEXT   COLLATE "C" NOT NULL,
    payload      TEXT   COLLATE "C" NOT NULL,
    period       TEXT   COLLATE "C",
    due_time     BIGINT NOT NULL,
    planned_time BIGINT NOT NULL,
    attempts     BIGINT NOT NULL,
    error        TEXT   COLLATE "C" NOT NULL,
    claim        BYTEA,
    is_failed    BIGINT NOT NULL
);
CREATE INDEX job_due ON job (is_failed, due_time);
