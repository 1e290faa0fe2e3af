-- Whether somebody was to be told of a report. Of those from before nobody knows: rather an alert too much.
ALTER TABLE sensor_report ADD COLUMN is_alert INTEGER NOT NULL DEFAULT 1;
