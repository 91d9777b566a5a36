-- A channel that anything was kept of, and the number of its newest message.
CREATE TABLE channel (
    id          TEXT    NOT NULL PRIMARY KEY,
    last_number INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The writer's account may be gone; 16 zeros: the server.
CREATE TABLE channel_message (
    channel     TEXT    NOT NULL,
    number      INTEGER NOT NULL,
    id          BLOB    NOT NULL CHECK (length(id) = 16),
    code        INTEGER NOT NULL,
    sender_id   BLOB    NOT NULL,
    username    TEXT    NOT NULL,
    content     TEXT    NOT NULL,
    create_time INTEGER NOT NULL,
    update_time INTEGER NOT NULL,
    PRIMARY KEY (channel, number)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX channel_message_id ON channel_message (id);
CREATE INDEX channel_message_sender ON channel_message (sender_id, channel, number);
