-- A record's severity, evidence, correlation and notice, as a JSON array in this order.

ALTER TABLE audit ADD COLUMN context TEXT NOT NULL DEFAULT '["info",{},{},null]';
