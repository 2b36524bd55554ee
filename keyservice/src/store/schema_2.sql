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
-- That clock as it was last written down, and what the machine told of its run then.
CREATE TABLE charge_clock (
    only              INTEGER PRIMARY KEY CHECK (only = 0),
    micros            INTEGER NOT NULL,
    since_boot_micros INTEGER NOT NULL,
    boot              BLOB NOT NULL
);
