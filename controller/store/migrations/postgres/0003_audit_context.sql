-- As sqlite/0003: severity, evidence, correlation and notice, as a JSON array in this order.

ALTER TABLE audit ADD COLUMN context TEXT COLLATE "C" NOT NULL DEFAULT '["info",{},{},null]';
