-- Links and their bases. What is looked for has columns; data is the link as
-- JSON, base what both sides agreed on. Times are microseconds since 1970.
CREATE TABLE link (
  id         TEXT NOT NULL UNIQUE,
  flow       TEXT NOT NULL,
  generation INTEGER NOT NULL,
  intent     TEXT,    -- of the open intent
  expires    INTEGER, -- when it does
  data       TEXT NOT NULL,
  base       TEXT
) STRICT;
CREATE INDEX link_flow ON link (flow, id);
CREATE INDEX link_open ON link (expires) WHERE expires IS NOT NULL;

-- Which link has a record (system:kind:id) as an end.
CREATE TABLE link_end (
  flow TEXT NOT NULL,
  ref  TEXT NOT NULL,
  link TEXT NOT NULL,
  PRIMARY KEY (flow, ref)
) STRICT, WITHOUT ROWID;
CREATE INDEX link_end_link ON link_end (link);

-- The audit; data is the entry as JSON.
CREATE TABLE entry (
  seq       INTEGER PRIMARY KEY,
  key       TEXT,
  flow      TEXT NOT NULL,
  link      TEXT,
  left_ref  TEXT,
  right_ref TEXT,
  data      TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX entry_key ON entry (key) WHERE key IS NOT NULL;
CREATE INDEX entry_link ON entry (link) WHERE link IS NOT NULL;
CREATE INDEX entry_left ON entry (left_ref) WHERE left_ref IS NOT NULL;
CREATE INDEX entry_right ON entry (right_ref) WHERE right_ref IS NOT NULL;

CREATE TABLE cursor (
  name  TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Messages. The position holds the stream (shard and priority) in its upper
-- bits and the sequence number in the lower 56, so that each stream lies
-- together; any index would cost as much again.
CREATE TABLE message (
  pos      INTEGER PRIMARY KEY,
  key      TEXT NOT NULL,
  id       TEXT NOT NULL,
  at       INTEGER NOT NULL, -- when it was pushed
  retry_at INTEGER,          -- null unless held is set
  held     TEXT,             -- its failures as JSON
  payload  BLOB NOT NULL
) STRICT;

-- The IDs of messages, hashed to 16 bytes each, by the day they came.
CREATE TABLE seen (
  n      INTEGER PRIMARY KEY,
  day    INTEGER NOT NULL,
  hashes BLOB NOT NULL
) STRICT;

CREATE TABLE dead (
  id       TEXT NOT NULL UNIQUE,
  key      TEXT NOT NULL,
  priority INTEGER NOT NULL,
  at       INTEGER NOT NULL,
  died_at  INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  history  TEXT NOT NULL,
  payload  BLOB NOT NULL
) STRICT;
CREATE INDEX dead_order ON dead (died_at, id);

CREATE TABLE shard (
  shard   INTEGER PRIMARY KEY,
  leased  INTEGER NOT NULL, -- 1 while somebody has it
  token   INTEGER NOT NULL,
  unclean INTEGER NOT NULL
) STRICT;
