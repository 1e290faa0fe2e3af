-- As a SARK of schema 2 wrote them.

INSERT INTO registry_object VALUES (1, 'sha256:f2beccd5b13edda927e630d5856d0ff0e0f17aff749c8101738fec512497ca0a', 'adguard-dns/doh', '{"id":"adguard-dns/doh","provider":"adguard-dns","title":"a é","kind":"doh","role":"ingress","sharedness":"cdn","confidence":70,"verified":false,"state":"active","names":["dns.adguard-dns.com","dns.adguard.com","family.adguard-dns.com","unfiltered.adguard-dns.com"],"prefixes":[],"ports":[],"expiresAt":null,"priceRef":null,"sources":[{"source":"https://github.com/v2fly/domain-list-community/blob/master/data/category-doh","firstSeen":"2026-11-21T00:00:00Z","lastSeen":"2026-11-21T00:00:00Z"}]}');
INSERT INTO registry_object VALUES (2, 'sha256:e9b6dee8b06a632f9c717bec90c517b83a387d5d4ce6c229c07178979d19975f', 'airvpn/control', '{"id":"airvpn/control","provider":"airvpn","title":"AirVPN","kind":"vpn","role":"relay","sharedness":"cloud","confidence":60,"verified":false,"state":"active","names":["airvpn.org"],"prefixes":[],"ports":["tcp/443"],"expiresAt":null,"priceRef":null,"sources":[{"source":"https://airvpn.org/api/status/","firstSeen":"2026-11-21T00:00:00Z","lastSeen":"2026-11-21T00:00:00Z"}]}');
INSERT INTO registry_version VALUES (1, 'sha256:a3e512910d6a967509ac522e45706a0db6ffe1bdf50b5e6ae9a08b422940544c', '2026-09-21T14:13:20.123456789Z', 'start', 'uid:1000("noc" é)', '{"endpoints":2,"names":5,"prefixes":0,"learned":0,"added":2,"removed":0,"changed":0}');
INSERT INTO registry_content VALUES (1, 1);
INSERT INTO registry_content VALUES (1, 2);
INSERT INTO registry_pin VALUES (1, 1, '2026-09-21T14:13:21Z', 'ann');
INSERT INTO registry_feed VALUES ('tor', '{"name": "tor", "inUse": {"hash": "sha256:073900348636d441ccb79eab6f5be05f0fa62b7c5926763418be8217a3ba5e27", "fetchedAt": "2026-09-21T14:13:21Z", "validators": {"etag": 1}, "size": 4, "firstSeen": "2026-09-21T14:13:21Z", "lastChanged": "2026-09-21T14:13:21Z"}, "pending": null, "rejected": null, "lastCheck": {"at": "2026-09-21T14:13:29Z", "outcome": {"outcome": "changed"}, "failures": 0}}');
-- BYTEA is BLOB on SQLite.
INSERT INTO registry_feed_part VALUES ('tor', FALSE, 0, 'https://example.com/a', CAST('good' AS BYTEA));
INSERT INTO registry_entry VALUES ('mine', '{"name": "mine", "text": "x: 1", "owner": "netsec", "createdAt": "2026-09-21T14:13:20Z", "actor": "uid:0(root)", "expires": null}');
INSERT INTO registry_learned VALUES (1, '{}', '2026-09-21T14:13:23Z');
INSERT INTO price_version VALUES (3, 'sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a', '{"at":"2026-09-21T14:13:20Z","cause":"feed p","actor":"sarkd"}', '{}');
