-- As a SARK of schema 5 wrote them.

UPDATE alert_cursor SET sequence = 2, last = 2;
INSERT INTO alert_group VALUES ('k1', 1790000009123456, '{"key":"k1","event":"registry.feed.held","title":"a \"b\" é","severity":"high","openedAt":"2026-09-21T14:13:20.123456Z","lastAt":"2026-09-21T14:13:29.123456Z","toldAt":"2026-09-21T14:13:21.123456Z","count":7,"sinks":["soc","pager"]}');
INSERT INTO alert_delivery VALUES (1, 'a', 'soc', 'k1', 3, '{"count":1,"title":"é\u0000''\""}', 'pending', 0, 1795867200000000, 1790000000123456, NULL, NULL);
INSERT INTO alert_delivery VALUES (2, 'b', 'pager', 'k1', 3, '{"count":1,"title":"é\u0000''\""}', 'pending', 0, 1795867200000000, 1790000005123456, NULL, NULL);
