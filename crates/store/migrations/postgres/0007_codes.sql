-- Numbers behind the codes that people tell each other. kind 0: an account, 1: a group.
CREATE TABLE code (
    number  BIGINT  NOT NULL PRIMARY KEY,
    kind    BIGINT  NOT NULL,
    subject BYTEA   NOT NULL CHECK (length(subject) = 16),
    UNIQUE (kind, subject)
);
CREATE INDEX code_subject ON code (subject);

-- What operators set while the server runs.
CREATE TABLE setting (
    name  TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    value TEXT COLLATE "C" NOT NULL
);
