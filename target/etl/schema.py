"""The tables of what was pulled: batches, their invoices, what was kept out, and an account of each import."""

TABLES = """
CREATE TABLE IF NOT EXISTS imports (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    batch_id  text NOT NULL,
    at        timestamptz NOT NULL DEFAULT now(),
    outcome   text NOT NULL CHECK (outcome IN ('loaded', 'rejected')),
    reason    text NOT NULL DEFAULT '',
    announced int NOT NULL,
    row_ids   jsonb NOT NULL DEFAULT '{}',
    sums      jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX IF NOT EXISTS imports_batch ON imports (batch_id, id);
CREATE TABLE IF NOT EXISTS batches (
    batch_id    text PRIMARY KEY,
    day         date NOT NULL UNIQUE,
    month       text NOT NULL,
    announced   int NOT NULL,
    sum_cents   bigint NOT NULL,
    quarantined int NOT NULL,
    imports     int NOT NULL DEFAULT 1,
    import_id   bigint NOT NULL REFERENCES imports,
    loaded_at   timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE IF NOT EXISTS invoices (
    id           text PRIMARY KEY,
    batch_id     text NOT NULL REFERENCES batches,
    customer     text NOT NULL,
    month        text NOT NULL,
    amount_cents bigint NOT NULL,
    currency     text NOT NULL,
    issued_at    timestamptz NOT NULL
);
CREATE INDEX IF NOT EXISTS invoices_batch ON invoices (batch_id);
CREATE INDEX IF NOT EXISTS invoices_month ON invoices (month, customer);
CREATE TABLE IF NOT EXISTS quarantine (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    import_id   bigint NOT NULL REFERENCES imports,
    batch_id    text NOT NULL,
    row_id      text NOT NULL,
    raw         text NOT NULL,
    reason      text NOT NULL,
    resolved_at timestamptz
);
CREATE INDEX IF NOT EXISTS quarantine_open ON quarantine (batch_id) WHERE resolved_at IS NULL;
"""
