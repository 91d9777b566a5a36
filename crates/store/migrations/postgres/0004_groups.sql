-- name_key is the name in lower case; edge_count is the number of edges with a state up to 2.
CREATE TABLE player_group (
    id          BYTEA  NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    creator_id  BYTEA  NOT NULL,
    name        TEXT   COLLATE "C" NOT NULL UNIQUE,
    name_key    TEXT   COLLATE "C" NOT NULL,
    description TEXT   COLLATE "C" NOT NULL,
    lang_tag    TEXT   COLLATE "C" NOT NULL,
    metadata    TEXT   COLLATE "C" NOT NULL,
    avatar_url  TEXT   COLLATE "C" NOT NULL,
    open        BIGINT NOT NULL,
    edge_count  BIGINT NOT NULL CHECK (edge_count >= 0),
    max_count   BIGINT NOT NULL,
    create_time BIGINT NOT NULL,
    update_time BIGINT NOT NULL
);
CREATE INDEX player_group_names ON player_group (name_key, id);
CREATE INDEX player_group_count ON player_group (edge_count, id);
CREATE INDEX player_group_lang_tag ON player_group (lang_tag, edge_count, id);

-- state 0 superadmin, 1 admin, 2 member, 3 join request, 4 banned.
CREATE TABLE group_edge (
    group_id    BYTEA  NOT NULL REFERENCES player_group (id) ON DELETE CASCADE,
    user_id     BYTEA  NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    state       BIGINT NOT NULL,
    update_time BIGINT NOT NULL,
    PRIMARY KEY (group_id, user_id)
);
CREATE INDEX group_edge_members ON group_edge (group_id, state, update_time, user_id);
CREATE INDEX group_edge_groups ON group_edge (user_id, state, update_time, group_id);
