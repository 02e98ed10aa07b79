-- What happened at the desk, in order. FORMAT.md, "The journal".

CREATE TABLE journal (
	seq    INTEGER PRIMARY KEY,
	time   TEXT    NOT NULL,
	tick   INTEGER NOT NULL,
	author TEXT    NOT NULL,
	kind   TEXT    NOT NULL,
	body   TEXT    NOT NULL CHECK (json_valid(body)),
	UNIQUE (time, tick, author)
) STRICT;

CREATE TRIGGER journal_is_appended BEFORE INSERT ON journal
WHEN NEW.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM journal)
BEGIN SELECT raise(ABORT, 'the journal is only appended to'); END;

CREATE TRIGGER journal_is_not_updated BEFORE UPDATE ON journal
BEGIN SELECT raise(ABORT, 'the journal is only appended to'); END;

CREATE TRIGGER journal_is_not_deleted BEFORE DELETE ON journal
BEGIN SELECT raise(ABORT, 'the journal is only appended to'); END;
