-- As sqlite/0004.

CREATE TABLE trail (
    sequence BIGINT  PRIMARY KEY CHECK (sequence > 0),
    hash     BYTEA   NOT NULL,
    body     TEXT    COLLATE "C" NOT NULL,
    at       BIGINT  NOT NULL,
    actor    TEXT    COLLATE "C" NOT NULL,
    event    TEXT    COLLATE "C" NOT NULL,
    severity BIGINT  NOT NULL,
    is_alert BOOLEAN NOT NULL,
    host     TEXT    COLLATE "C",
    person   TEXT    COLLATE "C",
    policies TEXT    COLLATE "C"
);
CREATE INDEX trail_at ON trail (at);
CREATE INDEX trail_actor ON trail (actor, sequence) WHERE actor <> 'sarkd';
CREATE INDEX trail_event ON trail (event, sequence)
    WHERE event < 'decision.' OR event >= 'decision/';
CREATE INDEX trail_severity ON trail (severity, sequence) WHERE severity > 0;
CREATE INDEX trail_host ON trail (host, sequence) WHERE host IS NOT NULL;
CREATE INDEX trail_person ON trail (person, sequence) WHERE person IS NOT NULL;

CREATE TABLE trail_head (
    one      BIGINT PRIMARY KEY CHECK (one = 1),
    sequence BIGINT NOT NULL,
    hash     BYTEA  NOT NULL
);
INSERT INTO trail_head
VALUES (1, 0, '\x0000000000000000000000000000000000000000000000000000000000000000');

CREATE TABLE trail_mark (
    name     TEXT   COLLATE "C" NOT NULL PRIMARY KEY,
    position BIGINT NOT NULL
);

CREATE TABLE trail_cursor (
    name     TEXT   COLLATE "C" NOT NULL PRIMARY KEY,
    sequence BIGINT NOT NULL
);

CREATE TABLE trail_checkpoint (
    sequence BIGINT PRIMARY KEY,
    at       TEXT   COLLATE "C" NOT NULL,
    hash     BYTEA  NOT NULL,
    note     TEXT   COLLATE "C" NOT NULL,
    tree     TEXT   COLLATE "C" NOT NULL
);

CREATE TABLE trail_pruned (
    one      BIGINT PRIMARY KEY CHECK (one = 1),
    sequence BIGINT NOT NULL,
    hash     BYTEA  NOT NULL,
    tree     TEXT   COLLATE "C" NOT NULL
);

CREATE TRIGGER trail_is_final BEFORE UPDATE ON trail
FOR EACH ROW EXECUTE FUNCTION sark_refuse('an audit record is never changed');
CREATE FUNCTION sark_refuse_unpruned() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF old.sequence > coalesce((SELECT sequence FROM trail_pruned), 0) THEN
        RAISE EXCEPTION 'an audit record is never deleted';
    END IF;
    RETURN old;
END $$;
CREATE TRIGGER trail_stays BEFORE DELETE ON trail
FOR EACH ROW EXECUTE FUNCTION sark_refuse_unpruned();
CREATE TRIGGER trail_checkpoint_is_final BEFORE UPDATE ON trail_checkpoint
FOR EACH ROW EXECUTE FUNCTION sark_refuse('a checkpoint is never changed');

DROP TRIGGER audit_is_final ON audit;
DROP TRIGGER audit_stays ON audit;
ALTER TABLE audit RENAME TO audit_unchained;
