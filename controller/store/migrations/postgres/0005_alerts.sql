-- As sqlite/0005.

CREATE TABLE alert_cursor (
    one      BIGINT PRIMARY KEY CHECK (one = 1),
    sequence BIGINT NOT NULL,
    last     BIGINT NOT NULL
);
INSERT INTO alert_cursor VALUES (1, 0, 0);

CREATE TABLE alert_group (
    key     TEXT COLLATE "C" PRIMARY KEY,
    last_at BIGINT NOT NULL,
    json    TEXT COLLATE "C" NOT NULL
);

CREATE TABLE alert_delivery (
    number   BIGINT PRIMARY KEY,
    id       TEXT COLLATE "C" NOT NULL UNIQUE,
    sink     TEXT COLLATE "C" NOT NULL,
    key      TEXT COLLATE "C" NOT NULL,
    sequence BIGINT NOT NULL,
    message  TEXT COLLATE "C" NOT NULL,
    state    TEXT COLLATE "C" NOT NULL CHECK (state IN ('pending', 'delivered', 'dead')),
    attempts BIGINT NOT NULL,
    made_at  BIGINT NOT NULL,
    due_at   BIGINT NOT NULL,
    ended_at BIGINT,
    note     TEXT COLLATE "C"
);
CREATE INDEX alert_delivery_pending ON alert_delivery (sink, key, number) WHERE state = 'pending';
CREATE INDEX alert_delivery_ended ON alert_delivery (state, ended_at);
