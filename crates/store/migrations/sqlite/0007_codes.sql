-- Numbers behind the codes that people tell each other. kind 0: an account, 1: a group.
CREATE TABLE code (
    number  INTEGER NOT NULL PRIMARY KEY,
    kind    INTEGER NOT NULL,
    subject BLOB    NOT NULL CHECK (length(subject) = 16),
    UNIQUE (kind, subject)
) STRICT;
CREATE INDEX code_subject ON code (subject);

-- What operators set while the server runs.
CREATE TABLE setting (
    name  TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
