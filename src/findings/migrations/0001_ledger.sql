-- The ledger, version 1. Instants are microseconds since 1970-01-01T00:00:00Z.
-- `finding` holds the whole finding as JSON; the columns beside it are what lists
-- are filtered and sorted by.

CREATE TABLE findings (
    tenant        TEXT    NOT NULL,
    finding_id    TEXT    NOT NULL,
    detector      TEXT    NOT NULL,
    code          TEXT    NOT NULL,
    subject_kind  TEXT    NOT NULL,
    subject_id    TEXT    NOT NULL,
    -- 0 info, 1 low, 2 medium, 3 high, 4 critical: a number, so that it sorts.
    severity      INTEGER NOT NULL,
    verdict       TEXT    NOT NULL,
    status        TEXT    NOT NULL,
    score         REAL    NOT NULL,
    app_id        TEXT,
    account_id    TEXT,
    identity_id   TEXT,
    entitlement_id TEXT,
    org           TEXT,
    owner_id      TEXT,
    profile       TEXT    NOT NULL,
    since         INTEGER,
    first_seen_at INTEGER NOT NULL,
    last_seen_at  INTEGER NOT NULL,
    due_at        INTEGER,
    -- What the evidence said when the finding was last decided on or seen to fail.
    fingerprint   TEXT    NOT NULL,
    waived_until  INTEGER,
    -- 1 when a person named the owner, which outlives the owner rules.
    assigned      INTEGER NOT NULL,
    -- Counts transitions; the API's ETag.
    revision      INTEGER NOT NULL,
    finding       TEXT    NOT NULL,
    PRIMARY KEY (tenant, finding_id)
) STRICT;

CREATE INDEX findings_by_status ON findings (tenant, status, severity);
CREATE INDEX findings_by_severity ON findings (tenant, severity, finding_id);
CREATE INDEX findings_by_last_seen ON findings (tenant, last_seen_at, finding_id);
CREATE INDEX findings_by_subject ON findings (tenant, detector, subject_id);

CREATE TABLE finding_events (
    seq         INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant      TEXT    NOT NULL,
    finding_id  TEXT    NOT NULL,
    at          INTEGER NOT NULL,
    change      TEXT    NOT NULL,
    from_status TEXT,
    to_status   TEXT    NOT NULL,
    verdict     TEXT    NOT NULL,
    severity    INTEGER NOT NULL,
    reason      TEXT    NOT NULL,
    actor       TEXT    NOT NULL,
    approver    TEXT,
    run_id      TEXT,
    FOREIGN KEY (tenant, finding_id) REFERENCES findings (tenant, finding_id)
) STRICT;

CREATE INDEX finding_events_by_finding ON finding_events (tenant, finding_id, seq);

CREATE TABLE waivers (
    waiver_id  INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant     TEXT    NOT NULL,
    -- Either one finding, or every finding of a detector about a subject.
    finding_id TEXT,
    detector   TEXT,
    subject_id TEXT,
    reason     TEXT    NOT NULL,
    actor      TEXT    NOT NULL,
    approver   TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    until      INTEGER NOT NULL,
    CHECK ((finding_id IS NULL) = (detector IS NOT NULL)),
    CHECK ((detector IS NULL) = (subject_id IS NULL)),
    CHECK (until > created_at)
) STRICT;

CREATE INDEX waivers_by_until ON waivers (tenant, until);

CREATE TABLE runs (
    seq         INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant      TEXT    NOT NULL,
    run_id      TEXT    NOT NULL,
    as_of       INTEGER NOT NULL,
    known_at    INTEGER NOT NULL,
    profile     TEXT    NOT NULL,
    started_at  INTEGER NOT NULL,
    finished_at INTEGER NOT NULL,
    exit_code   INTEGER NOT NULL,
    counts      TEXT    NOT NULL,
    UNIQUE (tenant, run_id)
) STRICT;

CREATE TABLE tokens (
    -- SHA-256 of the plaintext in lower hex; the plaintext is kept nowhere.
    hash       TEXT    NOT NULL PRIMARY KEY,
    tenant     TEXT    NOT NULL,
    label      TEXT    NOT NULL,
    scope      TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    revoked_at INTEGER,
    UNIQUE (tenant, label)
) STRICT;

CREATE TABLE reads_audit (
    seq    INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant TEXT    NOT NULL,
    at     INTEGER NOT NULL,
    actor  TEXT    NOT NULL,
    route  TEXT    NOT NULL,
    query  TEXT    NOT NULL,
    rows   INTEGER NOT NULL
) STRICT;
