-- Version 2: batches of events whose sender did not wait until they were durable.

CREATE TABLE batches (
    tenant      TEXT    NOT NULL,
    batch_id    TEXT    NOT NULL,
    -- The label of the token that sent it; nobody else may ask.
    sender      TEXT    NOT NULL,
    received_at INTEGER NOT NULL,
    -- Written before the lake changes: the load whose line in `sources` says that all of it is
    -- durable, and what the sender is told then.
    load_id     TEXT,
    report      TEXT,
    -- Null until the batch ended, well or not.
    finished_at INTEGER,
    -- Why it failed, as a problem document.
    problem     TEXT,
    PRIMARY KEY (tenant, batch_id)
) STRICT;

CREATE INDEX batches_by_receipt ON batches (tenant, received_at);
