-- Messages lie in packs: what one call pushed to one stream. A pack's position
-- is the stream and the first of the sequence numbers that it may hold, done
-- has a bit for each of these, and waiting counts those that are not done. So
-- a message costs a part of a row to push, and a bit to remove. What is
-- written often lies apart from what is long.
CREATE TABLE pack (
  pos     INTEGER PRIMARY KEY,
  waiting INTEGER NOT NULL,
  done    BLOB NOT NULL
) STRICT;
CREATE TABLE body (
  pos  INTEGER PRIMARY KEY, -- of the pack
  body BLOB NOT NULL
) STRICT;

-- What is known of the failures of those few messages that have some.
CREATE TABLE held (
  pos      INTEGER PRIMARY KEY, -- of the message
  key      TEXT NOT NULL,
  retry_at INTEGER,
  held     TEXT NOT NULL        -- as JSON
) STRICT;
