CREATE TABLE meta (
  id           INTEGER PRIMARY KEY CHECK (id = 1),
  format       INTEGER NOT NULL,
  read_format  INTEGER NOT NULL,
  write_format INTEGER NOT NULL,
  lineage      BLOB NOT NULL,
  created_at   INTEGER NOT NULL,
  epoch        INTEGER NOT NULL,
  keys         INTEGER NOT NULL,
  key_set      INTEGER NOT NULL,
  checksum     BLOB NOT NULL
) STRICT;

CREATE TABLE key (
  id        INTEGER PRIMARY KEY AUTOINCREMENT,
  name      TEXT NOT NULL,
  name_hash INTEGER NOT NULL,
  live      INTEGER NOT NULL,
  first     INTEGER NOT NULL,
  last      INTEGER NOT NULL,
  versions  INTEGER NOT NULL,
  fence     INTEGER NOT NULL,
  checksum  BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX key_by_name ON key (name, live);
CREATE INDEX key_by_hash ON key (name_hash);

CREATE TABLE version (
  id                INTEGER PRIMARY KEY AUTOINCREMENT,
  key_id            INTEGER NOT NULL,
  number            INTEGER NOT NULL,
  save_id           BLOB NOT NULL,
  saved_at          INTEGER NOT NULL,
  user              TEXT NOT NULL,
  host              TEXT NOT NULL,
  program           TEXT NOT NULL,
  message           TEXT NOT NULL,
  source_type       TEXT NOT NULL,
  source_identifier TEXT NOT NULL,
  source_ref        TEXT NOT NULL,
  source_synced_at  INTEGER,
  state_size        INTEGER NOT NULL,
  state_digest      BLOB NOT NULL,
  search_size       INTEGER,
  search_digest     BLOB,
  checksum          BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX version_by_number ON version (key_id, number);
CREATE INDEX version_by_save_id ON version (key_id, save_id);

CREATE TABLE manifest (
  version_id     INTEGER PRIMARY KEY,
  search_average INTEGER,
  search_chunks  BLOB,
  state_average  INTEGER NOT NULL,
  state_chunks   BLOB NOT NULL
) STRICT;

CREATE TABLE chunk (
  id    INTEGER PRIMARY KEY AUTOINCREMENT,
  hash  BLOB NOT NULL,
  size  INTEGER NOT NULL,
  codec INTEGER NOT NULL,
  data  BLOB NOT NULL
) STRICT;
CREATE INDEX chunk_by_hash ON chunk (substr(hash, 1, 8));

CREATE TABLE frame (
  id     INTEGER PRIMARY KEY AUTOINCREMENT,
  chunks INTEGER NOT NULL,
  size   INTEGER NOT NULL,
  base   BLOB NOT NULL,
  data   BLOB NOT NULL
) STRICT;

CREATE TABLE packed (
  first    INTEGER PRIMARY KEY,
  count    INTEGER NOT NULL,
  frame_id INTEGER NOT NULL
) STRICT;

CREATE TABLE garbage (
  chunk_id INTEGER PRIMARY KEY,
  epoch    INTEGER NOT NULL
) STRICT;

CREATE TABLE lease (
  key_id   INTEGER PRIMARY KEY,
  fence    INTEGER NOT NULL,
  held     INTEGER NOT NULL,
  token    BLOB NOT NULL,
  user     TEXT NOT NULL,
  host     TEXT NOT NULL,
  pid      INTEGER NOT NULL,
  command  TEXT NOT NULL,
  taken_at INTEGER NOT NULL,
  ttl      INTEGER NOT NULL,
  checksum BLOB NOT NULL
) STRICT;
