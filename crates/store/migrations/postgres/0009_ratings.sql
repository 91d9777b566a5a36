-- Ratings in millionths. results: the ids of the newest results that were counted, 16 bytes each, newest last.
CREATE TABLE rating (
    user_id      BYTEA  NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    mode         TEXT   COLLATE "C" NOT NULL,
    mu_micros    BIGINT NOT NULL,
    sigma_micros BIGINT NOT NULL,
    games        BIGINT NOT NULL,
    results      BYTEA  NOT NULL,
    update_time  BIGINT NOT NULL,
    PRIMARY KEY (user_id, mode)
);
