-- state 0 friend, 1 invitation sent, 2 invitation received, 3 blocked; each pair has a row for either side, but for a block.
CREATE TABLE friend (
    source      BLOB    NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    destination BLOB    NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    state       INTEGER NOT NULL,
    metadata    TEXT    NOT NULL,
    update_time INTEGER NOT NULL,
    PRIMARY KEY (source, destination)
) STRICT, WITHOUT ROWID;
CREATE INDEX friend_list ON friend (source, state, update_time, destination);
CREATE INDEX friend_destination ON friend (destination);

CREATE TABLE notification (
    id          BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    user_id     BLOB    NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    subject     TEXT    NOT NULL,
    content     TEXT    NOT NULL,
    code        INTEGER NOT NULL,
    sender_id   BLOB,
    create_time INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX notification_list ON notification (user_id, create_time, id);
