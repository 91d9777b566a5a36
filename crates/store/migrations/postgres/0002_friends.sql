-- state 0 friend, 1 invitation sent, 2 invitation received, 3 blocked; each pair has a row for either side, but for a block.
CREATE TABLE friend (
    source      BYTEA  NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    destination BYTEA  NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    state       BIGINT NOT NULL,
    metadata    TEXT   COLLATE "C" NOT NULL,
    update_time BIGINT NOT NULL,
    PRIMARY KEY (source, destination)
);
CREATE INDEX friend_list ON friend (source, state, update_time, destination);
CREATE INDEX friend_destination ON friend (destination);

CREATE TABLE notification (
    id          BYTEA  NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    user_id     BYTEA  NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    subject     TEXT   COLLATE "C" NOT NULL,
    content     TEXT   COLLATE "C" NOT NULL,
    code        BIGINT NOT NULL,
    sender_id   BYTEA,
    create_time BIGINT NOT NULL
);
CREATE INDEX notification_list ON notification (user_id, create_time, id);
