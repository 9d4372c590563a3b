"""Is somebody told of a bill more than twice as high as the month before, and of data that does not come?"""

from harness import AlertBound, AlertFires, AlertsSilent, Load, Outage, Scenario, during

BOUND = AlertBound(symptom_s=10, scrape_s=1, evaluation_s=1, for_s=1, group_wait_s=1)
"""A day lasts two seconds; a month is judged from its third day on, and a day is missed after two more."""

scenario = Scenario(
    hypothesis="2.01 times the month before is told, with its customer; so are days without data, and nothing else is.",
    load=Load("shop.py", rate_per_s=10),
    variables={"FEED_RATIO": "2.01", "DAY_S": "2", "PULL_EVERY_S": "0.5"},
    faults=during(16, 32, Outage("etl-feed")),
    checks=(
        AlertFires(
            "BillingAnomaly", after="run", bound=BOUND, labels={"severity": "warning", "customer": "customer-01"}
        ),
        AlertFires("BillingDataMissing", bound=BOUND, labels={"severity": "critical"}, resolves_within_s=12),
        AlertsSilent(but=("BillingAnomaly",), evaluation_s=1),
    ),
    recovery_s=14,
)
