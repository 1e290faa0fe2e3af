-- As sqlite/0015.

ALTER TABLE trail ADD COLUMN request TEXT COLLATE "C";
CREATE FUNCTION sark_request_of(body TEXT) RETURNS TEXT LANGUAGE plpgsql AS $$
BEGIN
    RETURN replace(body, '\u0000', '\ufffd')::jsonb #>> '{about,request}';
EXCEPTION WHEN OTHERS THEN
    -- What was tampered with is found by who verifies.
    RETURN NULL;
END $$;
DROP TRIGGER trail_is_final ON trail;
UPDATE trail SET request = sark_request_of(body) WHERE strpos(body, '"request":"') > 0;
CREATE TRIGGER trail_is_final BEFORE UPDATE ON trail
FOR EACH ROW EXECUTE FUNCTION sark_refuse('an audit record is never changed');
DROP FUNCTION sark_request_of(TEXT);
CREATE INDEX trail_request ON trail (request, sequence) WHERE request IS NOT NULL;
