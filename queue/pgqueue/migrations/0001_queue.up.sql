-- The messages that wait. A message is inserted once and deleted once; the
-- primary key is the only index that both touch.
CREATE TABLE queue_message (
    shard       int2        NOT NULL,
    priority    int2        NOT NULL,
    seq         int8        NOT NULL GENERATED ALWAYS AS IDENTITY,
    id          text        NOT NULL COLLATE "C",
    key         text        NOT NULL COLLATE "C",
    enqueued_at timestamptz NOT NULL,
    payload     bytea       NOT NULL,
    -- What is known of failures; history is NULL as long as there were none.
    retry_at    timestamptz,
    attempts    int4        NOT NULL DEFAULT 0,
    history     jsonb,
    PRIMARY KEY (shard, priority, seq)
) WITH (fillfactor = 100,
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0,
    autovacuum_vacuum_insert_scale_factor = 0.5,
    autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 20000);

-- Reads look at the last number drawn. It tells whoever may use the schema how
-- many messages there were, and saves the roles that work a grant.
GRANT SELECT ON SEQUENCE queue_message_seq_seq TO PUBLIC;

-- The few that failed, for the statistics.
CREATE INDEX queue_message_retry ON queue_message (retry_at) WHERE retry_at IS NOT NULL;

-- Who owns which shard. There are 64, and the messages depend on it.
CREATE TABLE queue_shard (
    shard   int2        PRIMARY KEY,
    owner   text        COLLATE "C",
    token   int8        NOT NULL DEFAULT 1,
    expires timestamptz NOT NULL DEFAULT '-infinity',
    unclean int4        NOT NULL DEFAULT 0
) WITH (fillfactor = 20, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);

INSERT INTO queue_shard (shard) SELECT generate_series(0, 63);

-- The processes that work on the queue.
CREATE TABLE queue_member (
    owner text        PRIMARY KEY COLLATE "C",
    alive timestamptz NOT NULL
) WITH (fillfactor = 20);

-- The IDs appended in the last weeks, as hashes of the ID and the week. Weeks
-- take turns on the three parts; a part is emptied as a whole, and no row is
-- ever deleted or updated.
CREATE TABLE queue_seen_0 (
    hash uuid PRIMARY KEY,
    day  int4 NOT NULL
) WITH (fillfactor = 100, autovacuum_vacuum_cost_delay = 0);
CREATE TABLE queue_seen_1 (LIKE queue_seen_0 INCLUDING ALL) WITH (fillfactor = 100, autovacuum_vacuum_cost_delay = 0);
CREATE TABLE queue_seen_2 (LIKE queue_seen_0 INCLUDING ALL) WITH (fillfactor = 100, autovacuum_vacuum_cost_delay = 0);

-- What was given up, for people: body is the payload if that is JSON.
CREATE TABLE queue_dead (
    id          text        PRIMARY KEY COLLATE "C",
    key         text        NOT NULL COLLATE "C",
    shard       int2        NOT NULL,
    priority    int2        NOT NULL,
    enqueued_at timestamptz NOT NULL,
    died_at     timestamptz NOT NULL,
    attempts    int4        NOT NULL,
    history     jsonb       NOT NULL,
    payload     bytea       NOT NULL,
    body        jsonb
);
CREATE INDEX queue_dead_died ON queue_dead (died_at, id);
CREATE INDEX queue_dead_key ON queue_dead (key, died_at, id);

-- queue_json returns the bytes as JSON, or NULL if they are none.
CREATE FUNCTION queue_json(bytes bytea) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RETURN convert_from(bytes, 'UTF8')::jsonb;
EXCEPTION WHEN others THEN
    RETURN NULL;
END $$;
