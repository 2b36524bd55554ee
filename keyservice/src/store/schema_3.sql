-- Isolation: what a feed brought about can be set apart, and put back. In clear are random ids of actors, row numbers and times;
-- whose writes an isolation is about in words, and why, is sealed.

-- Who has taken patients in, by the random id of the register. Number 0 is whoever did before this was noted.
CREATE TABLE feed (
    id    INTEGER PRIMARY KEY,
    actor TEXT NOT NULL UNIQUE
);
INSERT INTO feed (id, actor) VALUES (0, '');
-- Through whom a facility treats a patient: a row for each hour in which a feed took something in, from the first time to the last.
CREATE TABLE treating (
    patient  INTEGER NOT NULL REFERENCES patient (id),
    facility INTEGER NOT NULL REFERENCES facility (id),
    feed     INTEGER NOT NULL REFERENCES feed (id),
    first    INTEGER NOT NULL,
    last     INTEGER NOT NULL,
    PRIMARY KEY (patient, facility, feed, first)
) WITHOUT ROWID;
INSERT INTO treating (patient, facility, feed, first, last) SELECT patient, facility, 0, since, since FROM treated;
CREATE INDEX treating_first ON treating (first);
-- Through whom a number or a link of two pseudonyms came, and when; nothing for what was there before this was noted.
ALTER TABLE identifier ADD COLUMN feed INTEGER;
ALTER TABLE identifier ADD COLUMN facility INTEGER;
ALTER TABLE identifier ADD COLUMN at INTEGER;
ALTER TABLE link ADD COLUMN feed INTEGER;
ALTER TABLE link ADD COLUMN facility INTEGER;
ALTER TABLE link ADD COLUMN at INTEGER;
-- Whether what another facility was given is isolated.
ALTER TABLE relation ADD COLUMN isolated INTEGER NOT NULL DEFAULT 0;

-- Isolations, with how far the rows of `treating` are gone through (settled: all of them).
CREATE TABLE isolation (
    number          INTEGER PRIMARY KEY,
    id              BLOB NOT NULL UNIQUE,
    facility        INTEGER REFERENCES facility (id),
    from_at         INTEGER NOT NULL,
    until_at        INTEGER NOT NULL,
    lifted          INTEGER NOT NULL,
    settled         INTEGER NOT NULL,
    cursor_first    INTEGER NOT NULL,
    cursor_patient  INTEGER NOT NULL,
    cursor_facility INTEGER NOT NULL,
    cursor_feed     INTEGER NOT NULL,
    sealed          BLOB NOT NULL
);
CREATE TABLE isolated_feed (
    isolation INTEGER NOT NULL REFERENCES isolation (number),
    feed      INTEGER NOT NULL REFERENCES feed (id),
    PRIMARY KEY (isolation, feed)
) WITHOUT ROWID;
-- What isolation took out of `treated`, `identifier` and `link`, as it was there.
CREATE TABLE suspended (
    patient  INTEGER NOT NULL REFERENCES patient (id),
    facility INTEGER NOT NULL REFERENCES facility (id),
    since    INTEGER NOT NULL,
    PRIMARY KEY (patient, facility)
) WITHOUT ROWID;
CREATE TABLE suspended_identifier (
    tag      BLOB PRIMARY KEY,
    patient  INTEGER NOT NULL REFERENCES patient (id),
    scheme   INTEGER NOT NULL,
    feed     INTEGER NOT NULL,
    facility INTEGER NOT NULL,
    at       INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX suspended_identifier_patient ON suspended_identifier (patient);
CREATE TABLE suspended_link (
    patient  INTEGER NOT NULL REFERENCES patient (id),
    other    INTEGER NOT NULL REFERENCES patient (id),
    feed     INTEGER NOT NULL,
    facility INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    PRIMARY KEY (patient, other)
) WITHOUT ROWID;
