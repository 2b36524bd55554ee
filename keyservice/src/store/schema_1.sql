-- Nothing here names anybody: identifiers are tags under a key derived from the root, everything else about a person
-- is sealed under another. The columns in clear are random numbers, facility codes, AE titles and times.

-- What the service knows of itself: its ledger's origin, its issuer's name, and a proof that the root is the right one.
CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value BLOB NOT NULL
) WITHOUT ROWID;

-- A patient. The sealed secret is NULL once the patient is erased; the row stays, so that nobody else gets the number.
CREATE TABLE patient (
    id        INTEGER PRIMARY KEY,
    pseudonym BLOB NOT NULL UNIQUE,
    secret    BLOB
);

-- What a patient is called: the tag of an identifier. The scheme tells where a second, different value is a contradiction.
CREATE TABLE identifier (
    tag     BLOB PRIMARY KEY,
    patient INTEGER NOT NULL REFERENCES patient (id),
    scheme  INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX identifier_patient ON identifier (patient, scheme);

-- Two pseudonyms of one person, known by a national identifier. Each pair stands in both directions.
CREATE TABLE link (
    patient INTEGER NOT NULL REFERENCES patient (id),
    other   INTEGER NOT NULL REFERENCES patient (id),
    PRIMARY KEY (patient, other)
) WITHOUT ROWID;

-- Facilities, peers and people are sealed whole: a changed file cannot add a reader.
CREATE TABLE facility (
    id    INTEGER PRIMARY KEY,
    code  TEXT NOT NULL UNIQUE,
    entry BLOB NOT NULL
);
CREATE TABLE peer (
    ae_title TEXT PRIMARY KEY,
    entry    BLOB NOT NULL
) WITHOUT ROWID;
CREATE TABLE person (
    actor TEXT PRIMARY KEY,
    entry BLOB NOT NULL
) WITHOUT ROWID;

-- Which facility has treated which patient, and since when.
CREATE TABLE treated (
    patient  INTEGER NOT NULL REFERENCES patient (id),
    facility INTEGER NOT NULL REFERENCES facility (id),
    since    INTEGER NOT NULL,
    PRIMARY KEY (patient, facility)
) WITHOUT ROWID;

-- When each actor last opened each patient: both windows of the budgets are read from that one time.
CREATE TABLE charge (
    actor   TEXT NOT NULL,
    measure INTEGER NOT NULL,
    patient INTEGER NOT NULL REFERENCES patient (id),
    at      INTEGER NOT NULL,
    PRIMARY KEY (actor, measure, patient)
) WITHOUT ROWID;
CREATE INDEX charge_at ON charge (at);

-- The ledger's entries, in order from 0: an entry's leaf is the SHA-256 of its sealed event.
CREATE TABLE event (
    position INTEGER PRIMARY KEY,
    sealed   BLOB NOT NULL
);
