-- What the journal comes to. FORMAT.md, "The projections".
-- seq is that of the journal entry a row stems from.

DROP TABLE IF EXISTS search;
DROP TABLE IF EXISTS exhibit;
DROP TABLE IF EXISTS field;
DROP TABLE IF EXISTS record;
DROP TABLE IF EXISTS item;
DROP TABLE IF EXISTS submission;

CREATE TABLE submission (
	seq      INTEGER PRIMARY KEY,
	id       TEXT NOT NULL UNIQUE,
	vault    TEXT NOT NULL,
	channel  TEXT NOT NULL,
	day      TEXT NOT NULL,
	language TEXT NOT NULL,
	message  TEXT NOT NULL,
	doubtful TEXT NOT NULL
) STRICT;

CREATE TABLE item (
	submission INTEGER NOT NULL REFERENCES submission (seq),
	n          INTEGER NOT NULL,
	name       TEXT    NOT NULL,
	size       INTEGER NOT NULL,
	type       TEXT    NOT NULL,
	sha256     TEXT    NOT NULL,
	PRIMARY KEY (submission, n)
) STRICT, WITHOUT ROWID;

CREATE TABLE record (
	seq   INTEGER PRIMARY KEY,
	id    TEXT NOT NULL UNIQUE,
	title TEXT NOT NULL
) STRICT;

CREATE TABLE field (
	record INTEGER NOT NULL REFERENCES record (seq),
	n      INTEGER NOT NULL,
	key    TEXT    NOT NULL,
	value  TEXT    NOT NULL,
	PRIMARY KEY (record, n)
) STRICT, WITHOUT ROWID;

-- An exhibit carries what it needs of its item: its submission need not be at
-- this desk.
CREATE TABLE exhibit (
	record     INTEGER NOT NULL REFERENCES record (seq),
	number     INTEGER NOT NULL,
	submission TEXT    NOT NULL,
	item       INTEGER NOT NULL,
	name       TEXT    NOT NULL,
	size       INTEGER NOT NULL,
	type       TEXT    NOT NULL,
	sha256     TEXT    NOT NULL,
	doubtful   TEXT    NOT NULL,
	PRIMARY KEY (record, number),
	UNIQUE (record, submission, item)
) STRICT, WITHOUT ROWID;

-- rowid is the seq of a submission or of a record.
CREATE VIRTUAL TABLE search USING fts5 (
	title, fields, message, names,
	tokenize = 'unicode61 remove_diacritics 2'
);
