-- Times are RFC 3339 in UTC; files, activated and detail are JSON.

CREATE TABLE revision (
    number           INTEGER PRIMARY KEY CHECK (number > 0),
    at               TEXT    NOT NULL,
    actor            TEXT    NOT NULL,
    cause            TEXT    NOT NULL,
    files            TEXT    NOT NULL,
    activated        TEXT    NOT NULL,
    registry_version TEXT    NOT NULL,
    policy_version   TEXT    NOT NULL,
    announce         INTEGER NOT NULL,
    withdraw         INTEGER NOT NULL,
    keep             INTEGER NOT NULL
) STRICT;

CREATE TABLE audit (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    at       TEXT NOT NULL,
    actor    TEXT NOT NULL,
    event    TEXT NOT NULL,
    outcome  TEXT NOT NULL,
    detail   TEXT NOT NULL
) STRICT;

-- Neither is ever changed: what happened stays.
CREATE TRIGGER revision_is_final BEFORE UPDATE ON revision
BEGIN SELECT RAISE(ABORT, 'a revision is never changed'); END;
CREATE TRIGGER audit_is_final BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'an audit record is never changed'); END;
CREATE TRIGGER audit_stays BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'an audit record is never deleted'); END;
