"""Is each invoice accounted for by its id while the feed sends nulls, wrong units and half files?"""

from harness import (
    AlertBound,
    AlertFires,
    AlertsSilent,
    BadData,
    Latency,
    Load,
    NoPartialBatch,
    RowsAccounted,
    Scenario,
    during,
)

scenario = Scenario(
    hypothesis="Each row is loaded once or quarantined, nobody sees half a batch, and somebody is told.",
    load=Load("shop.py", rate_per_s=10),
    variables={"DAY_S": "1", "PULL_EVERY_S": "0.5"},
    faults=during(6, 12, BadData("etl-feed", mutation="null", rows=2, path="/batches/{}"), name="nulls")
    + during(12, 18, BadData("etl-feed", mutation="unit-x100", rows=1, path="/batches/{}"), name="units")
    + during(18, 24, BadData("etl-feed", mutation="truncated", path="/batches/{}"), name="half files")
    + during(6, 36, Latency("etl-postgres", delay_ms=40), name="slow database"),
    checks=(
        RowsAccounted(
            "feed",
            "/rows?since=2026-02-28",
            pipeline="etl",
            ledger="/ledger?since=2026-02-28",
            within_s=12,
            sum_of="amount_cents",
            every_s=2,
        ),
        NoPartialBatch("etl", "/batches?since=2026-02-28"),
        AlertFires(
            "EtlQuarantineNotEmpty",
            after="nulls",
            bound=AlertBound(symptom_s=3, scrape_s=1, evaluation_s=1, for_s=1, group_wait_s=1),
            labels={"service": "etl", "severity": "warning"},
        ),
        AlertsSilent(evaluation_s=1),
    ),
    recovery_s=14,
)
