-- Times are RFC 3339 in UTC; counts, state, origin and json are JSON.

CREATE TABLE registry_object (
    key  INTEGER PRIMARY KEY,
    hash TEXT NOT NULL UNIQUE,
    id   TEXT NOT NULL,
    json TEXT NOT NULL
) STRICT;

CREATE TABLE registry_version (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    hash   TEXT NOT NULL,
    at     TEXT NOT NULL,
    cause  TEXT NOT NULL,
    actor  TEXT NOT NULL,
    counts TEXT NOT NULL
) STRICT;
CREATE INDEX registry_version_hash ON registry_version (hash);

CREATE TABLE registry_content (
    version INTEGER NOT NULL REFERENCES registry_version ON DELETE CASCADE,
    object  INTEGER NOT NULL REFERENCES registry_object,
    PRIMARY KEY (version, object)
) STRICT, WITHOUT ROWID;
CREATE INDEX registry_content_object ON registry_content (object);

CREATE TABLE registry_pin (
    one     INTEGER PRIMARY KEY CHECK (one = 1),
    version INTEGER NOT NULL REFERENCES registry_version,
    at      TEXT NOT NULL,
    actor   TEXT NOT NULL
) STRICT;

CREATE TABLE registry_feed (
    name  TEXT NOT NULL PRIMARY KEY,
    state TEXT NOT NULL
) STRICT;

CREATE TABLE registry_feed_part (
    feed     TEXT    NOT NULL REFERENCES registry_feed ON DELETE CASCADE,
    pending  INTEGER NOT NULL,
    position INTEGER NOT NULL,
    name     TEXT    NOT NULL,
    octets   BLOB    NOT NULL,
    PRIMARY KEY (feed, pending, position)
) STRICT;

CREATE TABLE registry_entry (
    name TEXT NOT NULL PRIMARY KEY,
    json TEXT NOT NULL
) STRICT;

CREATE TABLE registry_learned (
    one      INTEGER PRIMARY KEY CHECK (one = 1),
    document TEXT NOT NULL,
    at       TEXT NOT NULL
) STRICT;

CREATE TABLE price_version (
    number   INTEGER PRIMARY KEY AUTOINCREMENT,
    hash     TEXT NOT NULL,
    origin   TEXT NOT NULL,
    document TEXT NOT NULL
) STRICT;

CREATE TRIGGER registry_version_is_final BEFORE UPDATE ON registry_version
BEGIN SELECT RAISE(ABORT, 'a registry version is never changed'); END;
CREATE TRIGGER registry_object_is_final BEFORE UPDATE ON registry_object
BEGIN SELECT RAISE(ABORT, 'an endpoint is never changed'); END;
