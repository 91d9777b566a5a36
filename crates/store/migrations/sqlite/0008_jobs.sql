-- due_time is when the row is looked at next: at its time, for another try, or at the end of a claim.
CREATE TABLE job (
    name         TEXT    NOT NULL PRIMARY KEY,
    kind         TEXT    NOT NULL,
    payload      TEXT    NOT NULL,
    period       TEXT,
    due_time     INTEGER NOT NULL,
    planned_time INTEGER NOT NULL,
    attempts     INTEGER NOT NULL,
    error        TEXT    NOT NULL,
    claim        BLOB,
    is_failed    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX job_due ON job (is_failed, due_time);
