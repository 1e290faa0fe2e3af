-- What a sink was told after a dead letter is looked for by its key; approvals that wait are few among
-- all that there were.
CREATE INDEX alert_delivery_delivered ON alert_delivery (sink, key, number) WHERE state = 'delivered';
CREATE INDEX approval_pending ON approval (sequence) WHERE state = 'pending';
