-- Leaderboards and tournaments; sort, subscore and tie order: 0 ascending (earlier first), 1 descending (later first).
CREATE TABLE leaderboard (
    id             TEXT   COLLATE "C" NOT NULL PRIMARY KEY,
    authoritative  BIGINT NOT NULL,
    sort_order     BIGINT NOT NULL,
    subscore_order BIGINT NOT NULL,
    tie_order      BIGINT NOT NULL,
    operator       BIGINT NOT NULL,
    reset_schedule TEXT   COLLATE "C" NOT NULL,
    ranks          BIGINT NOT NULL,
    metadata       TEXT   COLLATE "C" NOT NULL,
    create_time    BIGINT NOT NULL,
    -- Resets and ends up to these times have been told to server code.
    reset_mark     BIGINT NOT NULL,
    end_mark       BIGINT NOT NULL,
    -- 1 for tournaments; the columns from here on are theirs.
    tournament     BIGINT NOT NULL,
    title          TEXT   COLLATE "C" NOT NULL,
    description    TEXT   COLLATE "C" NOT NULL,
    category       BIGINT NOT NULL,
    start_time     BIGINT NOT NULL,
    end_time       BIGINT NOT NULL,
    duration_secs  BIGINT NOT NULL,
    join_required  BIGINT NOT NULL,
    size_max       BIGINT NOT NULL,
    attempts_max   BIGINT NOT NULL
);

-- How many records a tournament has in the period that ends at expiry_time.
CREATE TABLE leaderboard_size (
    leaderboard_id TEXT   COLLATE "C" NOT NULL REFERENCES leaderboard (id) ON DELETE CASCADE,
    expiry_time    BIGINT NOT NULL,
    size           BIGINT NOT NULL,
    PRIMARY KEY (leaderboard_id, expiry_time)
);

-- The three columns of the order are ascending on every board: what counts downwards there is stored negated.
CREATE TABLE leaderboard_record (
    leaderboard_id TEXT   COLLATE "C" NOT NULL REFERENCES leaderboard (id) ON DELETE CASCADE,
    expiry_time    BIGINT NOT NULL,
    owner_id       BYTEA  NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    username       TEXT   COLLATE "C" NOT NULL,
    score_order    BIGINT NOT NULL,
    subscore_order BIGINT NOT NULL,
    time_order     BIGINT NOT NULL,
    num_score      BIGINT NOT NULL,
    max_num_score  BIGINT NOT NULL,
    metadata       TEXT   COLLATE "C" NOT NULL,
    create_time    BIGINT NOT NULL,
    PRIMARY KEY (leaderboard_id, expiry_time, owner_id)
);
CREATE INDEX leaderboard_record_order ON leaderboard_record
    (leaderboard_id, expiry_time, score_order, subscore_order, time_order, owner_id);
CREATE INDEX leaderboard_record_owner ON leaderboard_record (owner_id, leaderboard_id, expiry_time);
