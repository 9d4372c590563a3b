"""Does the etl ask three times, ever later, serve the last good batch, say so, and is somebody told?"""

from harness import (
    AccountSays,
    AlertBound,
    AlertFires,
    AlertsSilent,
    Amplification,
    HttpStatus,
    Load,
    Retries,
    Scenario,
    during,
)

scenario = Scenario(
    hypothesis="A pull is tried three times, a refusal once; readers see that data is stale; an alert comes.",
    load=Load("shop.py", rate_per_s=20),
    variables={"PULL_EVERY_S": "0.1"},
    faults=during(6, 9, HttpStatus("etl-feed", code=403), name="feed refuses")
    + during(8, 40, HttpStatus("etl-feed", code=503), name="feed fails"),
    checks=(
        Retries("etl-feed", attempts=3, backoff_factor_min=2, jitter=True),
        Amplification("etl-feed", ratio_max=3),
        AccountSays("etl", "/invoices", "stale", True, within_s=3),
        AlertFires(
            "EtlFeedStale",
            bound=AlertBound(symptom_s=1, scrape_s=1, evaluation_s=1, for_s=1, group_wait_s=1),
            labels={"service": "etl", "severity": "warning"},
            resolves_within_s=8,
        ),
        AlertsSilent(evaluation_s=1),
    ),
    recovery_s=10,
)
