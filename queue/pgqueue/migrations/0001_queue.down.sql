DROP FUNCTION queue_json(bytea);
DROP TABLE queue_dead, queue_seen_0, queue_seen_1, queue_seen_2, queue_member, queue_shard, queue_message;
