-- Times are RFC 3339 in UTC, and microseconds since 1970 to compare by; report and answer are JSON.

CREATE TABLE sensor_report (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    sensor   TEXT    NOT NULL,
    key      TEXT    NOT NULL,
    id       TEXT    NOT NULL,
    kind     TEXT    NOT NULL,
    event    TEXT    NOT NULL,
    site     TEXT,
    body     TEXT    NOT NULL,
    at       TEXT    NOT NULL,
    micros   INTEGER NOT NULL,
    actor    TEXT    NOT NULL,
    report   TEXT    NOT NULL,
    answer   TEXT    NOT NULL,
    UNIQUE (sensor, key),
    UNIQUE (sensor, id)
) STRICT;
CREATE INDEX sensor_report_recent ON sensor_report (kind, event, micros);
CREATE INDEX sensor_report_time ON sensor_report (micros);
