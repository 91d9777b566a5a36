-- Leaderboards and tournaments; sort, subscore and tie order: 0 ascending (earlier first), 1 descending (later first).
CREATE TABLE leaderboard (
    id             TEXT    NOT NULL PRIMARY KEY,
    authoritative  INTEGER NOT NULL,
    sort_order     INTEGER NOT NULL,
    subscore_order INTEGER NOT NULL,
    tie_order      INTEGER NOT NULL,
    operator       INTEGER NOT NULL,
    reset_schedule TEXT    NOT NULL,
    ranks          INTEGER NOT NULL,
    metadata       TEXT    NOT NULL,
    create_time    INTEGER NOT NULL,
    -- Resets and ends up to these times have been told to server code.
    reset_mark     INTEGER NOT NULL,
    end_mark       INTEGER NOT NULL,
    -- 1 for tournaments; the columns from here on are theirs.
    tournament     INTEGER NOT NULL,
    title          TEXT    NOT NULL,
    description    TEXT    NOT NULL,
    category       INTEGER NOT NULL,
    start_time     INTEGER NOT NULL,
    end_time       INTEGER NOT NULL,
    duration_secs  INTEGER NOT NULL,
    join_required  INTEGER NOT NULL,
    size_max       INTEGER NOT NULL,
    attempts_max   INTEGER NOT NULL
) STRICT;

-- How many records a tournament has in the period that ends at expiry_time.
CREATE TABLE leaderboard_size (
    leaderboard_id TEXT    NOT NULL REFERENCES leaderboard (id) ON DELETE CASCADE,
    expiry_time    INTEGER NOT NULL,
    size           INTEGER NOT NULL,
    PRIMARY KEY (leaderboard_id, expiry_time)
) STRICT, WITHOUT ROWID;

-- The three columns of the order are ascending on every board: what counts downwards there is stored negated.
CREATE TABLE leaderboard_record (
    leaderboard_id TEXT    NOT NULL REFERENCES leaderboard (id) ON DELETE CASCADE,
    expiry_time    INTEGER NOT NULL,
    owner_id       BLOB    NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    username       TEXT    NOT NULL,
    score_order    INTEGER NOT NULL,
    subscore_order INTEGER NOT NULL,
    time_order     INTEGER NOT NULL,
    num_score      INTEGER NOT NULL,
    max_num_score  INTEGER NOT NULL,
    metadata       TEXT    NOT NULL,
    create_time    INTEGER NOT NULL,
    PRIMARY KEY (leaderboard_id, expiry_time, owner_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX leaderboard_record_order ON leaderboard_record
    (leaderboard_id, expiry_time, score_order, subscore_order, time_order, owner_id);
CREATE INDEX leaderboard_record_owner ON leaderboard_record (owner_id, leaderboard_id, expiry_time);
