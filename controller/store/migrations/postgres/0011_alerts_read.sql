-- As sqlite/0011.

CREATE INDEX trail_alert ON trail (sequence) WHERE is_alert;

INSERT INTO trail_cursor SELECT 'alerts', sequence FROM alert_cursor
ON CONFLICT (name) DO UPDATE SET sequence = excluded.sequence;
