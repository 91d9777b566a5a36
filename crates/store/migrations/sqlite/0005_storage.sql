-- owner is 16 zero bytes where the server owns the object; account_id is for the reference alone.
CREATE TABLE storage (
    collection       TEXT    NOT NULL,
    owner            BLOB    NOT NULL CHECK (length(owner) = 16),
    key              TEXT    NOT NULL,
    value            TEXT    NOT NULL,
    version          TEXT    NOT NULL,
    permission_read  INTEGER NOT NULL,
    permission_write INTEGER NOT NULL,
    create_time      INTEGER NOT NULL,
    update_time      INTEGER NOT NULL,
    account_id       BLOB    GENERATED ALWAYS AS (nullif(owner, x'00000000000000000000000000000000')) STORED
                             REFERENCES account (id) ON DELETE CASCADE,
    PRIMARY KEY (collection, owner, key)
) STRICT;
CREATE INDEX storage_account ON storage (account_id) WHERE account_id IS NOT NULL;
CREATE INDEX storage_public ON storage (collection, key, owner) WHERE permission_read = 2;

CREATE TABLE wallet_ledger (
    id          BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    user_id     BLOB    NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    changeset   TEXT    NOT NULL,
    metadata    TEXT    NOT NULL,
    create_time INTEGER NOT NULL,
    update_time INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX wallet_ledger_list ON wallet_ledger (user_id, create_time, id);
