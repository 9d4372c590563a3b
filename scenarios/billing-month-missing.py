"""Is somebody told of a month whose invoices never came?"""

from harness import AlertBound, AlertFires, AlertsSilent, Load, Scenario

scenario = Scenario(
    hypothesis="A month without invoices is told within its first days, and nothing else is.",
    load=Load("shop.py", rate_per_s=10),
    variables={"FEED_WITHOUT": "2026-03", "DAY_S": "2", "PULL_EVERY_S": "0.5"},
    duration_s=20,
    checks=(
        AlertFires(
            "BillingDataMissing",
            after="run",
            bound=AlertBound(symptom_s=10, scrape_s=1, evaluation_s=1, for_s=1, group_wait_s=1),
            labels={"severity": "critical"},
        ),
        AlertsSilent(but=("BillingDataMissing",), phase="run", evaluation_s=1),
    ),
)
