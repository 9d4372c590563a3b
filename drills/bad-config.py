"""Is a wrong setting noticed by whose credentials are refused, and taken back?"""

from harness import Deploy, Drill, Load, Writes

drill = Drill(
    objective="api is deployed with a key that payments does not know; orders are accepted and cannot be charged; "
    "by the runbook the setting is back within 60 s, and no order is lost.",
    load=Load("shop.py", rate_per_s=20),
    disaster=(Deploy("api", {"PAYMENTS_KEY": "the-key-of-another-shop"}),),
    runbook="bad-config",
    answers={"decide": "back"},
    alert="CredentialsRefused",
    detected_within_s=20,
    rto_s=60,
    rpo_s=0,
    writes=Writes("api", "/writes"),
    variables={"PAYMENTS_KEY": "the-key-of-this-shop"},
)
