-- Ratings in millionths. results: the ids of the newest results that were counted, 16 bytes each, newest last.
CREATE TABLE rating (
    user_id      BLOB    NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    mode         TEXT    NOT NULL,
    mu_micros    INTEGER NOT NULL,
    sigma_micros INTEGER NOT NULL,
    games        INTEGER NOT NULL,
    results      BLOB    NOT NULL,
    update_time  INTEGER NOT NULL,
    PRIMARY KEY (user_id, mode)
) STRICT, WITHOUT ROWID;
