-- Who leads. `ends` is in milliseconds since 1970, by the store's clock.

CREATE TABLE lease (
    one      INTEGER PRIMARY KEY CHECK (one = 1),
    leader   TEXT    NOT NULL,
    fence    INTEGER NOT NULL CHECK (fence > 0),
    ends     INTEGER NOT NULL,
    released INTEGER NOT NULL
) STRICT;
