-- As a SARK of schema 1 wrote them.

INSERT INTO revision VALUES (1, '2026-09-21T14:13:20.123456789Z', 'uid:0(root)', 'apply',
    '[{"name":"b.yaml","text":"# é\n\u0000''\"\nx: 1\n"},{"name":"a.yaml","text":""}]',
    '{"a":"2026-09-21T14:13:20.123456789Z","b":"1970-01-01T00:00:00Z"}',
    'sha256:00', 'sha256:01', 4294967296, 2, 3);
INSERT INTO audit (at, actor, event, outcome, detail)
VALUES ('2026-11-20T07:00:00Z', 'sarkd', 'old', '"ok"', '{"a":1}');
