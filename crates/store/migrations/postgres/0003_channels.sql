-- A channel that anything was kept of, and the number of its newest message.
CREATE TABLE channel (
    id          TEXT    COLLATE "C" NOT NULL PRIMARY KEY,
    last_number BIGINT  NOT NULL
);

-- The writer's account may be gone; 16 zeros: the server.
CREATE TABLE channel_message (
    channel     TEXT    COLLATE "C" NOT NULL,
    number      BIGINT  NOT NULL,
    id          BYTEA   NOT NULL CHECK (length(id) = 16),
    code        BIGINT  NOT NULL,
    sender_id   BYTEA   NOT NULL,
    username    TEXT    COLLATE "C" NOT NULL,
    content     TEXT    COLLATE "C" NOT NULL,
    create_time BIGINT  NOT NULL,
    update_time BIGINT  NOT NULL,
    PRIMARY KEY (channel, number)
);
CREATE UNIQUE INDEX channel_message_id ON channel_message (id);
CREATE INDEX channel_message_sender ON channel_message (sender_id, channel, number);
