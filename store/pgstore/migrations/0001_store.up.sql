-- The links. What is asked for has columns; data is the whole link, as text
-- that JSON functions read. An update touches no index but while a write is
-- under way, and finds room on its page.
CREATE TABLE store_link (
    id         text        PRIMARY KEY COLLATE "C",
    flow       text        NOT NULL COLLATE "C",
    state      text        NOT NULL COLLATE "C",
    generation int8        NOT NULL,
    intent     text        COLLATE "C", -- the write under way
    expires    timestamptz,
    data       json        NOT NULL
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 0);

CREATE INDEX store_link_flow ON store_link (flow, id);
CREATE INDEX store_link_open ON store_link (expires) WHERE expires IS NOT NULL;

-- The ends of the links: within a flow a record, named system:kind:id, is the
-- end of one.
CREATE TABLE store_end (
    flow text NOT NULL COLLATE "C",
    ref  text NOT NULL COLLATE "C",
    link text NOT NULL COLLATE "C",
    PRIMARY KEY (flow, ref)
);

CREATE INDEX store_end_link ON store_end (link);

-- What the sides of a link last agreed on. Nobody asks for its parts, and
-- bytes cost the server less than JSON.
CREATE TABLE store_base (
    link text  PRIMARY KEY COLLATE "C",
    data bytea NOT NULL
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 0);

-- The audit: rows are added and never changed. data is the whole entry. It is
-- json and not jsonb, which would rewrite numbers, and hashes would not match
-- any more; data::jsonb suits queries and indexes of one's own.
CREATE TABLE store_audit (
    seq       int8        PRIMARY KEY,
    key       text        COLLATE "C",
    at        timestamptz NOT NULL,
    kind      text        NOT NULL COLLATE "C",
    flow      text        NOT NULL COLLATE "C",
    link      text        COLLATE "C",
    left_ref  text        COLLATE "C",
    right_ref text        COLLATE "C",
    data      json        NOT NULL
) WITH (autovacuum_vacuum_insert_scale_factor = 0.2, autovacuum_analyze_scale_factor = 0.02);

CREATE UNIQUE INDEX store_audit_key ON store_audit (key) WHERE key IS NOT NULL;
CREATE INDEX store_audit_flow ON store_audit (flow, seq);
CREATE INDEX store_audit_link ON store_audit (link, seq) WHERE link IS NOT NULL;
CREATE INDEX store_audit_left ON store_audit (left_ref, seq) WHERE left_ref IS NOT NULL;
CREATE INDEX store_audit_right ON store_audit (right_ref, seq) WHERE right_ref IS NOT NULL;
CREATE INDEX store_audit_at ON store_audit USING brin (at);

-- How far each source has been read.
CREATE TABLE store_cursor (
    name  text  PRIMARY KEY COLLATE "C",
    place bytea NOT NULL
) WITH (fillfactor = 50);

-- The permits of each quota that count at present: when, and how many.
CREATE TABLE store_quota (
    name text          PRIMARY KEY COLLATE "C",
    at   timestamptz[] NOT NULL DEFAULT '{}',
    n    int4[]        NOT NULL DEFAULT '{}',
    got  int4          NOT NULL DEFAULT 0, -- the answer to the last who asked
    wait interval
) WITH (fillfactor = 10, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500, autovacuum_vacuum_cost_delay = 0);
