-- As a SARK of schema 4 wrote them: what was unchained is chained. BYTEA '\x…' is x'…' on SQLite.

DELETE FROM audit_unchained;
INSERT INTO trail VALUES (1, BYTEA '\xfdfdb08c86ee13a47d480c70e52a1b5b796355eb1633f5785cdcaf96e7ff2a96', '{"at":"2026-11-20T07:00:00Z","actor":"sarkd","event":"old","outcome":"ok","detail":{"a":1}}', 1795158000000000, 'sarkd', 'old', 0, FALSE, NULL, NULL, NULL);
INSERT INTO trail VALUES (2, BYTEA '\x2d6aa4ab62ff935a301613afc6b29cb1c6b6eef434436be50a4a760a9ac65e7d', '{"at":"2026-09-21T14:13:20.000000001Z","actor":"uid:1000(noc)","event":"first","outcome":"ok","severity":"high","evidence":{"registryVersion":"sha256:00","rules":["a/b"]},"about":{"flow":{"protocol":6,"source":"192.0.2.1:40000","destination":"203.0.113.1:443"},"revision":1},"notice":{"key":"first:é","title":"a \"b\"","resolved":true,"routes":["on-call"],"runbook":"feeds","facts":{"feed":"tor"}},"detail":{"revision":1,"why":"a \"b\" é"}}', 1790000000000000, 'uid:1000(noc)', 'first', 3, TRUE, NULL, NULL, '
a
');
INSERT INTO trail VALUES (3, BYTEA '\x405ed68d6160d97ab631d7128b3dabb99e255640a31f3cda5088a8888462ed9b', '{"at":"2026-09-21T14:13:20.000000001Z","actor":"uid:1000(noc)","event":"chained","outcome":"ok","severity":"high","evidence":{"registryVersion":"sha256:00","rules":["a/b"]},"about":{"flow":{"protocol":6,"source":"192.0.2.1:40000","destination":"203.0.113.1:443"},"revision":1},"notice":{"key":"chained:é","title":"a \"b\"","resolved":true,"routes":["on-call"],"runbook":"feeds","facts":{"feed":"tor"}},"detail":{"revision":1,"why":"a \"b\" é"}}', 1790000000000000, 'uid:1000(noc)', 'chained', 3, TRUE, NULL, NULL, '
a
');
UPDATE trail_head SET sequence = 3, hash = BYTEA '\x405ed68d6160d97ab631d7128b3dabb99e255640a31f3cda5088a8888462ed9b';
INSERT INTO trail_mark VALUES ('spool', 7);
INSERT INTO trail_checkpoint VALUES (2, '2026-11-28T12:00:00Z', BYTEA '\x2d6aa4ab62ff935a301613afc6b29cb1c6b6eef434436be50a4a760a9ac65e7d', 'a note

— é', 'one');
