-- owner is 16 zero bytes where the server owns the object; account_id is for the reference alone.
CREATE TABLE storage (
    collection       TEXT   COLLATE "C" NOT NULL,
    owner            BYTEA  NOT NULL CHECK (length(owner) = 16),
    key              TEXT   COLLATE "C" NOT NULL,
    value            TEXT   COLLATE "C" NOT NULL,
    version          TEXT   COLLATE "C" NOT NULL,
    permission_read  BIGINT NOT NULL,
    permission_write BIGINT NOT NULL,
    create_time      BIGINT NOT NULL,
    update_time      BIGINT NOT NULL,
    account_id       BYTEA  GENERATED ALWAYS AS (nullif(owner, '\x00000000000000000000000000000000'::bytea)) STORED
                            REFERENCES account (id) ON DELETE CASCADE,
    PRIMARY KEY (collection, owner, key)
);
CREATE INDEX storage_account ON storage (account_id) WHERE account_id IS NOT NULL;
CREATE INDEX storage_public ON storage (collection, key, owner) WHERE permission_read = 2;

CREATE TABLE wallet_ledger (
    id          BYTEA  NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    user_id     BYTEA  NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    changeset   TEXT   COLLATE "C" NOT NULL,
    metadata    TEXT   COLLATE "C" NOT NULL,
    create_time BIGINT NOT NULL,
    update_time BIGINT NOT NULL
);
CREATE INDEX wallet_ledger_list ON wallet_ledger (user_id, create_time, id);
