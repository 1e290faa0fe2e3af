-- The audit trail as a chain. What is hashed is `body`; the columns after it are made from it, for
-- searches. Times are microseconds since 1970; hashes are 32 octets.

CREATE TABLE trail (
    sequence INTEGER PRIMARY KEY CHECK (sequence > 0),
    hash     BLOB    NOT NULL,
    body     TEXT    NOT NULL,
    at       INTEGER NOT NULL,
    actor    TEXT    NOT NULL,
    event    TEXT    NOT NULL,
    severity INTEGER NOT NULL,
    is_alert INTEGER NOT NULL,
    host     TEXT,
    person   TEXT,
    policies TEXT
) STRICT;
-- Decisions are most of the records, and an index that finds them all finds nothing: they are in
-- neither of the next two, and searches say so.
CREATE INDEX trail_actor ON trail (actor) WHERE actor <> 'sarkd';
CREATE INDEX trail_event ON trail (event)
    WHERE event < 'decision.' OR event >= 'decision/';
CREATE INDEX trail_at ON trail (at);
CREATE INDEX trail_severity ON trail (severity) WHERE severity > 0;
CREATE INDEX trail_host ON trail (host) WHERE host IS NOT NULL;
CREATE INDEX trail_person ON trail (person) WHERE person IS NOT NULL;

-- The last record's number and hash: one row, changed with every record.
CREATE TABLE trail_head (
    one      INTEGER PRIMARY KEY CHECK (one = 1),
    sequence INTEGER NOT NULL,
    hash     BLOB    NOT NULL
) STRICT;
INSERT INTO trail_head
VALUES (1, 0, x'0000000000000000000000000000000000000000000000000000000000000000');

-- How far a source of records has been stored.
CREATE TABLE trail_mark (
    name     TEXT    NOT NULL PRIMARY KEY,
    position INTEGER NOT NULL
) STRICT;

-- How far a reader has read: what lies after is not pruned.
CREATE TABLE trail_cursor (
    name     TEXT    NOT NULL PRIMARY KEY,
    sequence INTEGER NOT NULL
) STRICT;

CREATE TABLE trail_checkpoint (
    sequence INTEGER PRIMARY KEY,
    at       TEXT    NOT NULL,
    hash     BLOB    NOT NULL,
    note     TEXT    NOT NULL,
    tree     TEXT    NOT NULL
) STRICT;

-- Where the trail begins, when records were pruned.
CREATE TABLE trail_pruned (
    one      INTEGER PRIMARY KEY CHECK (one = 1),
    sequence INTEGER NOT NULL,
    hash     BLOB    NOT NULL,
    tree     TEXT    NOT NULL
) STRICT;

CREATE TRIGGER trail_is_final BEFORE UPDATE ON trail
BEGIN SELECT RAISE(ABORT, 'an audit record is never changed'); END;
CREATE TRIGGER trail_stays BEFORE DELETE ON trail
WHEN old.sequence > coalesce((SELECT sequence FROM trail_pruned), 0)
BEGIN SELECT RAISE(ABORT, 'an audit record is never deleted'); END;
CREATE TRIGGER trail_checkpoint_is_final BEFORE UPDATE ON trail_checkpoint
BEGIN SELECT RAISE(ABORT, 'a checkpoint is never changed'); END;

-- Records from before: chained when the database is opened, then gone from here.
DROP TRIGGER audit_is_final;
DROP TRIGGER audit_stays;
ALTER TABLE audit RENAME TO audit_unchained;
