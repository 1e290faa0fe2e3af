-- As sqlite/0013.

CREATE INDEX alert_delivery_delivered ON alert_delivery (sink, key, number) WHERE state = 'delivered';
CREATE INDEX approval_pending ON approval (sequence) WHERE state = 'pending';
