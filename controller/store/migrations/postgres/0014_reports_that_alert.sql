-- As sqlite/0014.

ALTER TABLE sensor_report ADD COLUMN is_alert BOOLEAN NOT NULL DEFAULT true;
