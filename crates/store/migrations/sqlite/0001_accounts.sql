CREATE TABLE account (
    id           BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    username     TEXT    NOT NULL UNIQUE,
    display_name TEXT    NOT NULL,
    avatar_url   TEXT    NOT NULL,
    lang_tag     TEXT    NOT NULL,
    location     TEXT    NOT NULL,
    timezone     TEXT    NOT NULL,
    metadata     TEXT    NOT NULL,
    wallet       TEXT    NOT NULL,
    email        TEXT,
    password     TEXT,
    custom_id    TEXT,
    create_time  INTEGER NOT NULL,
    update_time  INTEGER NOT NULL,
    verify_time  INTEGER NOT NULL,
    disable_time INTEGER NOT NULL
) STRICT;

-- Most accounts have neither, so the indexes hold only those that do.
CREATE UNIQUE INDEX account_email ON account (email) WHERE email IS NOT NULL;
CREATE UNIQUE INDEX account_custom_id ON account (custom_id) WHERE custom_id IS NOT NULL;

CREATE TABLE device (
    id      TEXT NOT NULL PRIMARY KEY,
    user_id BLOB NOT NULL REFERENCES account (id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX device_user ON device (user_id);

CREATE TABLE tombstone (
    user_id BLOB    NOT NULL PRIMARY KEY,
    time    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- kind 0: id is a token's, issued_before is 0; kind 1: id is a user's.
CREATE TABLE logout (
    kind          INTEGER NOT NULL,
    id            BLOB    NOT NULL,
    issued_before INTEGER NOT NULL,
    expires_at    INTEGER NOT NULL,
    PRIMARY KEY (kind, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX logout_expires_at ON logout (expires_at);

CREATE TABLE room_data (
    room_key TEXT NOT NULL,
    key      TEXT NOT NULL,
    value    BLOB NOT NULL,
    PRIMARY KEY (room_key, key)
) STRICT;
