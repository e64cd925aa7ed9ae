-- Deliveries that were taken are forgotten after a while, the oldest first.
CREATE INDEX webhook_deliveries_taken ON webhook_deliveries (updated_at) WHERE state = 'delivered';
