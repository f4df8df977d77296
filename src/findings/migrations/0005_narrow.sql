-- Version 5: a run writes what changed. What lists are filtered and sorted by is a table of its own,
-- apart from the texts; and when findings were last seen is one row a detector, not one a finding.

CREATE TABLE findings_narrow (
    tenant         TEXT    NOT NULL,
    finding_id     TEXT    NOT NULL,
    detector       TEXT    NOT NULL,
    code           TEXT    NOT NULL,
    subject_kind   TEXT    NOT NULL,
    subject_id     TEXT    NOT NULL,
    -- 0 info, 1 low, 2 medium, 3 high, 4 critical: a number, so that it sorts.
    severity       INTEGER NOT NULL,
    verdict        TEXT    NOT NULL,
    status         TEXT    NOT NULL,
    score          REAL    NOT NULL,
    app_id         TEXT,
    account_id     TEXT,
    identity_id    TEXT,
    entitlement_id TEXT,
    org            TEXT,
    owner_id       TEXT,
    profile        TEXT    NOT NULL,
    since          INTEGER,
    first_seen_at  INTEGER NOT NULL,
    -- Null while every run of its detector tells of it: `sightings` has the instants then.
    last_seen_at   INTEGER,
    -- Of the run that last told of it; null too where a ledger of version 3 did not keep them beside the text.
    as_of          INTEGER,
    known_at       INTEGER,
    due_at         INTEGER,
    ages_out_at    INTEGER,
    -- What the evidence said when the finding was last decided on or seen to fail.
    fingerprint    TEXT    NOT NULL,
    waived_until   INTEGER,
    -- 1 when a person named the owner, which outlives the owner rules.
    assigned       INTEGER NOT NULL,
    -- Counts transitions; the API's ETag.
    revision       INTEGER NOT NULL,
    -- Hash of what the last run that told of the finding said; empty when it told of it no more.
    content        TEXT,
    PRIMARY KEY (tenant, finding_id)
) STRICT, WITHOUT ROWID;

INSERT INTO findings_narrow
SELECT tenant, finding_id, detector, code, subject_kind, subject_id, severity, verdict, status, score,
    app_id, account_id, identity_id, entitlement_id, org, owner_id, profile, since, first_seen_at,
    last_seen_at, as_of, known_at, due_at,
    -- Occurrences are of Sigma rules. 'T' stands between date and time; the fraction may be absent.
    CASE WHEN json_extract(finding, '$.ages_out_at') IS NOT NULL THEN
        CAST(strftime('%s', substr(json_extract(finding, '$.ages_out_at'), 1, 19)) AS INTEGER) * 1000000
        + CAST(substr(rtrim(substr(json_extract(finding, '$.ages_out_at'), 21), 'Z') || '000000', 1, 6) AS INTEGER)
    END,
    fingerprint, waived_until, assigned, revision, content
FROM findings
ORDER BY tenant, finding_id;

-- What was said, as JSON: all of a finding but what the columns beside it have (status, instants, score).
CREATE TABLE finding_texts (
    tenant     TEXT NOT NULL,
    finding_id TEXT NOT NULL,
    finding    BLOB NOT NULL,
    -- Its length when it is packed: Zstandard, with the detector's example as the dictionary.
    -- Null where it is as it was said.
    size_bytes INTEGER,
    PRIMARY KEY (tenant, finding_id)
) STRICT, WITHOUT ROWID;

INSERT INTO finding_texts
SELECT tenant, finding_id, CAST(finding AS BLOB), NULL
FROM findings
ORDER BY tenant, finding_id;

-- What a detector once said. It repeats itself, so a text is kept as what differs from this.
CREATE TABLE examples (
    tenant   TEXT NOT NULL,
    detector TEXT NOT NULL,
    example  BLOB NOT NULL,
    PRIMARY KEY (tenant, detector)
) STRICT, WITHOUT ROWID;

-- When a run last told of the findings of a detector that every run of it tells of.
CREATE TABLE sightings (
    tenant       TEXT    NOT NULL,
    detector     TEXT    NOT NULL,
    last_seen_at INTEGER NOT NULL,
    as_of        INTEGER NOT NULL,
    known_at     INTEGER NOT NULL,
    PRIMARY KEY (tenant, detector)
) STRICT, WITHOUT ROWID;

CREATE TABLE finding_events_narrow (
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
    FOREIGN KEY (tenant, finding_id) REFERENCES findings_narrow (tenant, finding_id)
) STRICT;

INSERT INTO finding_events_narrow
SELECT seq, tenant, finding_id, at, change, from_status, to_status, verdict, severity, reason, actor,
    approver, run_id
FROM finding_events
ORDER BY seq;

DROP TABLE finding_events;
DROP TABLE findings;
ALTER TABLE findings_narrow RENAME TO findings;
ALTER TABLE finding_events_narrow RENAME TO finding_events;

CREATE INDEX findings_by_severity ON findings (tenant, severity, finding_id);
CREATE INDEX findings_by_detector ON findings (tenant, detector, finding_id);
CREATE INDEX findings_waived ON findings (tenant, waived_until) WHERE status = 'accepted_risk';
CREATE INDEX findings_that_age ON findings (tenant, ages_out_at) WHERE ages_out_at IS NOT NULL;
CREATE INDEX finding_events_by_finding ON finding_events (tenant, finding_id, seq);
