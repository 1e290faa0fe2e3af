-- Times are RFC 3339 in UTC; files and candidate are JSON.

CREATE TABLE decision_set (
    sequence  INTEGER PRIMARY KEY AUTOINCREMENT,
    hash      TEXT    NOT NULL UNIQUE,
    name      TEXT    NOT NULL,
    origin    TEXT    NOT NULL,
    revision  TEXT,
    signed_by TEXT,
    policies  INTEGER NOT NULL,
    at        TEXT    NOT NULL,
    actor     TEXT    NOT NULL,
    files     TEXT    NOT NULL
) STRICT;

CREATE TABLE decision_rollout (
    number    INTEGER PRIMARY KEY,
    at        TEXT    NOT NULL,
    actor     TEXT    NOT NULL,
    cause     TEXT    NOT NULL,
    active    TEXT,
    following TEXT,
    candidate TEXT
) STRICT;
