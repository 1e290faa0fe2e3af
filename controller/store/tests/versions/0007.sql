-- As a SARK of schema 7 wrote them.

INSERT INTO sensor_report (sensor, key, id, kind, event, site, body, at, micros, actor, report, answer) VALUES ('cat-1', 'key-a', 'a', 'rfc1149', 'carrier', 'é', 'sha256:ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb', '2026-09-21T14:13:21.000007Z', 1790000001000007, 'sensor:cat-1', '{"id":"a","sensor":"cat-1","kind":"rfc1149","event":"carrier","site":"é","confidence":0.5,"recent":1,"facts":{"leg":"left","metres":1.5,"octets":-3,"payload":true}}', '{"id":"é"}');
