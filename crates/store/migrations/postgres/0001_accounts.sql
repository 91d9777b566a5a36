-- Text is ordered and compared by bytes, as SQLite does.
CREATE TABLE account (
    id           BYTEA  NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    username     TEXT   COLLATE "C" NOT NULL UNIQUE,
    display_name TEXT   COLLATE "C" NOT NULL,
    avatar_url   TEXT   COLLATE "C" NOT NULL,
    lang_tag     TEXT   COLLATE "C" NOT NULL,
    location     TEXT   COLLATE "C" NOT NULL,
    timezone     TEXT   COLLATE "C" NOT NULL,
    metadata     TEXT   COLLATE "C" NOT NULL,
    wallet       TEXT   COLLATE "C" NOT NULL,
    email        TEXT   COLLATE "C",
    password     TEXT   COLLATE "C",
    custom_id    TEXT   COLLATE "C",
    create_time  BIGINT NOT NULL,
    update_time  BIGINT NOT NULL,
    verify_time  BIGINT NOT NULL,
    disable_time BIGINT NOT NULL
);

-- Most accounts have neither, so the indexes hold only those that do.
CREATE UNIQUE INDEX account_email ON account (email) WHERE email IS NOT NULL;
CREATE UNIQUE INDEX account_custom_id ON account (custom_id) WHERE custom_id IS NOT NULL;

CREATE TABLE device (
    id      TEXT  COLLATE "C" NOT NULL PRIMARY KEY,
    user_id BYTEA NOT NULL REFERENCES account (id) ON DELETE CASCADE
);
CREATE INDEX device_user ON device (user_id);

CREATE TABLE tombstone (
    user_id BYTEA  NOT NULL PRIMARY KEY,
    time    BIGINT NOT NULL
);

-- kind 0: id is a token's, issued_before is 0; kind 1: id is a user's.
CREATE TABLE logout (
    kind          BIGINT NOT NULL,
    id            BYTEA  NOT NULL,
    issued_before BIGINT NOT NULL,
    expires_at    BIGINT NOT NULL,
    PRIMARY KEY (kind, id)
);
CREATE INDEX logout_expires_at ON logout (expires_at);

CREATE TABLE room_data (
    room_key TEXT  COLLATE "C" NOT NULL,
    key      TEXT  COLLATE "C" NOT NULL,
    value    BYTEA NOT NULL,
    PRIMARY KEY (room_key, key)
);
