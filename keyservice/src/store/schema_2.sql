-- What metered openings need. As before nothing here names anybody: what concerns a person is sealed, or is a random number.

-- Alarms, incidents and what is to be delivered of them: numbered rows, sealed whole. In clear is how many there were.
CREATE TABLE alarm (
    id     INTEGER PRIMARY KEY AUTOINCREMENT,
    sealed BLOB NOT NULL
);
CREATE TABLE incident (
    id     INTEGER PRIMARY KEY AUTOINCREMENT,
    sealed BLOB NOT NULL
);
CREATE TABLE outbox (
    id     INTEGER PRIMARY KEY AUTOINCREMENT,
    sealed BLOB NOT NULL
);
-- Who is to be, or has become, a record that no honest work opens. Written when it is wanted and never when it arrives; which
-- patient it became stands nowhere.
CREATE TABLE canary (
    id     INTEGER PRIMARY KEY AUTOINCREMENT,
    sealed BLOB NOT NULL
);
-- What each actor usually does, by its random id; hours, figures and facilities are sealed.
CREATE TABLE habit (
    actor  TEXT PRIMARY KEY,
    sealed BLOB NOT NULL
) WITHOUT ROWID;
-- Who is refused everything: a random id of the register; since when, by whom and why is sealed.
CREATE TABLE frozen (
    actor  TEXT PRIMARY KEY,
    sealed BLOB NOT NULL
) WITHOUT ROWID;

-- Who opened whom when, for the budgets: one row for each request that opened anything, sealed whole and bound to its number
-- and its time, so that none can be changed, and none taken out of the middle unseen. Numbers and times are in clear, the
-- times as seconds of the budgets' own clock. They take the place of rows that named actors in clear.
DROP TABLE charge;
CREATE TABLE charge (
    id     INTEGER PRIMARY KEY,
    at     INTEGER NOT NULL,
    sealed BLOB NOT NULL
);
CREATE INDEX charge_time ON charge (at);
-- What colleagues approved on the spot, and emergencies that were declared: numbered rows, sealed whole.
CREATE TABLE step_up (
    id     INTEGER PRIMARY KEY AUTOINCREMENT,
    sealed BLOB NOT NULL
);
CREATE TABLE glass (
    id     INTEGER PRIMARY KEY AUTOINCREMENT,
    sealed BLOB NOT NULL
);
-- That clock as it was last written down, and what the machine told of its run then.
CREATE TABLE charge_clock (
    only              INTEGER PRIMARY KEY CHECK (only = 0),
    micros            INTEGER NOT NULL,
    since_boot_micros INTEGER NOT NULL,
    boot              BLOB NOT NULL
);

-- What a facility was given by another that treats the patient: a referral (kind 0), consent to see who and what there is (1),
-- consent to see everything (2). In clear are row numbers, times, the random id of who gave it, and the random id of the object
-- that says so. A row stays when it has ended, because a day's rows are counted.
CREATE TABLE relation (
    id       INTEGER PRIMARY KEY,
    patient  INTEGER NOT NULL REFERENCES patient (id),
    facility INTEGER NOT NULL REFERENCES facility (id),
    giver    INTEGER NOT NULL REFERENCES facility (id),
    kind     INTEGER NOT NULL,
    since    INTEGER NOT NULL,
    until    INTEGER NOT NULL,
    actor    TEXT NOT NULL,
    object   BLOB
);
CREATE INDEX relation_patient ON relation (patient, facility);
CREATE INDEX relation_actor ON relation (actor, since);
CREATE INDEX relation_object ON relation (object) WHERE object IS NOT NULL;
-- What is sensitive about an object is itself sensitive, so it is sealed. In clear is that an object has labels, and whose.
CREATE TABLE label (
    patient  INTEGER NOT NULL REFERENCES patient (id),
    object   BLOB NOT NULL,
    facility INTEGER NOT NULL REFERENCES facility (id),
    sealed   BLOB NOT NULL,
    PRIMARY KEY (patient, object, facility)
) WITHOUT ROWID;

-- What takes two people: approvers, rules, held settings and proposals with their votes, each sealed whole and bound to its
-- place. In clear are the names of the facts, the proposals' ids (hashes) and their order.
CREATE TABLE quorum_fact (
    name   TEXT PRIMARY KEY,
    sealed BLOB NOT NULL
) WITHOUT ROWID;
CREATE TABLE proposal (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id     BLOB NOT NULL UNIQUE,
    sealed BLOB NOT NULL
);
-- Bulk exports: which patients (row numbers) and which object versions each has taken, and the random id that every file of it
-- carries. In clear: random numbers, and lengths.
CREATE TABLE export_patient (
    export  BLOB NOT NULL,
    patient INTEGER NOT NULL,
    PRIMARY KEY (export, patient)
) WITHOUT ROWID;
CREATE TABLE disclosure (
    id      BLOB PRIMARY KEY,
    export  BLOB NOT NULL,
    object  BLOB NOT NULL,
    version INTEGER NOT NULL,
    bytes   INTEGER NOT NULL,
    UNIQUE (export, object, version)
) WITHOUT ROWID;

-- Whom each event is about, for patients' access reports: four bytes for each patient of an event, a keyed hash of pseudonym
-- and position. Nobody without the key can tell that two events are about one person.
CREATE TABLE event_tag (
    position INTEGER PRIMARY KEY,
    tags     BLOB NOT NULL
);

-- Custody. A patient's secret is sealed under a leaf of the vault's tree of this number (0: under the key that version 1 used, until
-- the next start); the leaf has the number of the patient's row. When something of the patient last arrived stands in clear, to the day.
ALTER TABLE patient ADD COLUMN tree INTEGER NOT NULL DEFAULT 0;
ALTER TABLE patient ADD COLUMN visited INTEGER;
UPDATE patient SET visited = (SELECT MAX(since) FROM treated WHERE treated.patient = patient.id);
-- Who was erased, and the generation of the vault that is the first without its leaf; the position of the entry that is the hash of
-- the sealed statement.
CREATE TABLE erasure (
    patient    INTEGER PRIMARY KEY REFERENCES patient (id),
    generation INTEGER NOT NULL,
    position   INTEGER,
    statement  BLOB
);
CREATE INDEX erasure_generation ON erasure (generation);
-- Records on legal hold: since when in clear, why sealed.
CREATE TABLE hold (
    patient INTEGER PRIMARY KEY REFERENCES patient (id),
    since   INTEGER NOT NULL,
    reason  BLOB NOT NULL
);

-- Passkeys, devices' and systems' keys, sessions and invitations. In clear is a random number for each; what it is and whose is
-- sealed.
CREATE TABLE credential (
    id    BLOB PRIMARY KEY,
    entry BLOB NOT NULL
) WITHOUT ROWID;

-- Challenges, nonces and client assertions that have brought a token: none brings a second one. In clear are the hash of a random
-- number and a time.
CREATE TABLE used_once (
    tag   BLOB PRIMARY KEY,
    until INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX used_once_until ON used_once (until);

-- Names: the words that they are made of, sealed, with how many patients have each. Whose they are stands nowhere; of a patient in
-- clear whether any name is known.
CREATE TABLE name_word (
    id     INTEGER PRIMARY KEY,
    sealed BLOB NOT NULL
);
ALTER TABLE patient ADD COLUMN named INTEGER NOT NULL DEFAULT 0;
