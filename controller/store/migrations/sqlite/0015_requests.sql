-- Records are found by the request (activity, sighting, report) that they are about. The column is made
-- from `body`, as the others are: this once from what was written before. The proxy's ids begin with the
-- time, so that the index grows at its end.

ALTER TABLE trail ADD COLUMN request TEXT;
DROP TRIGGER trail_is_final;
UPDATE trail
SET request = json_extract(replace(body, '\u0000', '\ufffd'), '$.about.request')
WHERE instr(body, '"request":"') > 0 AND json_valid(body);
CREATE TRIGGER trail_is_final BEFORE UPDATE ON trail
BEGIN SELECT RAISE(ABORT, 'an audit record is never changed'); END;
CREATE INDEX trail_request ON trail (request) WHERE request IS NOT NULL;
