-- Version 3: a company's own rules, as they were when last they could be read, and how far
-- each rule over events has come.

CREATE TABLE rule_files (
    tenant    TEXT    NOT NULL,
    file      TEXT    NOT NULL,
    text      TEXT    NOT NULL,
    loaded_at INTEGER NOT NULL,
    PRIMARY KEY (tenant, file)
) STRICT;

-- All events that had happened by as_of and were known by known_at were shown to the rule.
CREATE TABLE evaluated (
    tenant   TEXT    NOT NULL,
    rule     TEXT    NOT NULL,
    -- Hash of what the rule says and of the table of events: with another one it begins anew.
    content  TEXT    NOT NULL,
    as_of    INTEGER NOT NULL,
    known_at INTEGER NOT NULL,
    PRIMARY KEY (tenant, rule)
) STRICT;
