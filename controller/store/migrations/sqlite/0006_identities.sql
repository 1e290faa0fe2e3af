-- Times are RFC 3339 in UTC; rights and step are JSON.

CREATE TABLE token (
    sequence       INTEGER PRIMARY KEY AUTOINCREMENT,
    id             TEXT NOT NULL UNIQUE,
    name           TEXT NOT NULL,
    hash           TEXT NOT NULL,
    rights         TEXT NOT NULL,
    created_at     TEXT NOT NULL,
    created_by     TEXT NOT NULL,
    expires_at     TEXT,
    revoked_at     TEXT,
    revoked_by     TEXT,
    last_used_at   TEXT,
    last_used_from TEXT
) STRICT;
-- Of those that are not revoked, each has its own name.
CREATE UNIQUE INDEX token_name ON token (name) WHERE revoked_at IS NULL;

CREATE TABLE approval (
    sequence          INTEGER PRIMARY KEY AUTOINCREMENT,
    id                TEXT NOT NULL UNIQUE,
    kind              TEXT NOT NULL,
    subject           TEXT NOT NULL,
    title             TEXT NOT NULL,
    requested_by      TEXT NOT NULL,
    requester_made_by TEXT,
    requested_at      TEXT NOT NULL,
    until             TEXT NOT NULL,
    state             TEXT NOT NULL,
    step              TEXT NOT NULL
) STRICT;
CREATE INDEX approval_subject ON approval (kind, subject, state);
