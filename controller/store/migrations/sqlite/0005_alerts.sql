-- How far the dispatcher of alerts has read the trail, open alerts, deliveries. Times are
-- microseconds since 1970.

CREATE TABLE alert_cursor (
    one      INTEGER PRIMARY KEY CHECK (one = 1),
    sequence INTEGER NOT NULL,
    -- The last number that a delivery got.
    last     INTEGER NOT NULL
) STRICT;
INSERT INTO alert_cursor VALUES (1, 0, 0);

CREATE TABLE alert_group (
    key     TEXT    PRIMARY KEY,
    last_at INTEGER NOT NULL,
    json    TEXT    NOT NULL
) STRICT;

CREATE TABLE alert_delivery (
    number   INTEGER PRIMARY KEY,
    id       TEXT    NOT NULL UNIQUE,
    sink     TEXT    NOT NULL,
    key      TEXT    NOT NULL,
    sequence INTEGER NOT NULL,
    message  TEXT    NOT NULL,
    state    TEXT    NOT NULL CHECK (state IN ('pending', 'delivered', 'dead')),
    attempts INTEGER NOT NULL,
    made_at  INTEGER NOT NULL,
    due_at   INTEGER NOT NULL,
    ended_at INTEGER,
    note     TEXT
) STRICT;
CREATE INDEX alert_delivery_pending ON alert_delivery (sink, key, number) WHERE state = 'pending';
CREATE INDEX alert_delivery_ended ON alert_delivery (state, ended_at);
