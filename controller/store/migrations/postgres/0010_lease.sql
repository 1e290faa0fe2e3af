-- As sqlite/0010.

CREATE TABLE lease (
    one      BIGINT PRIMARY KEY CHECK (one = 1),
    leader   TEXT COLLATE "C" NOT NULL,
    fence    BIGINT NOT NULL CHECK (fence > 0),
    ends     BIGINT NOT NULL,
    released BOOLEAN NOT NULL
);
