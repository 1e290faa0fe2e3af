-- As a SARK of schema 3 wrote them.

INSERT INTO audit (at, actor, event, outcome, detail, context)
VALUES ('2026-09-21T14:13:20.000000001Z',
    'uid:1000(noc)',
    'first',
    '"ok"',
    '{"revision":1,"why":"a \"b\" é"}',
    '["high",{"registryVersion":"sha256:00","rules":["a/b"]},{"flow":{"protocol":6,"source":"192.0.2.1:40000","destination":"203.0.113.1:443"},"revision":1},{"key":"first:é","title":"a \"b\"","resolved":true,"routes":["on-call"],"runbook":"feeds","facts":{"feed":"tor"}}]');
