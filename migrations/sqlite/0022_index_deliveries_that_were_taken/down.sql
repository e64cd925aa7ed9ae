DROP INDEX webhook_deliveries_taken;
