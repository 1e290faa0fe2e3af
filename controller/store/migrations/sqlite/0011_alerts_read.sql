-- The dispatcher of alerts reads the records that have a notice, and none else.
CREATE INDEX trail_alert ON trail (sequence) WHERE is_alert;

-- It is one of the trail's readers: from now on `alert_cursor` and this move together, and what it
-- has not read is not pruned.
INSERT INTO trail_cursor SELECT 'alerts', sequence FROM alert_cursor WHERE true
ON CONFLICT (name) DO UPDATE SET sequence = excluded.sequence;
