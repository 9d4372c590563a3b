"""Is a file with rows that nobody can read noticed, and loaded once it is right?"""

from harness import Deploy, Drill, Load, Writes

drill = Drill(
    objective="The provider of invoices gives files in which a row has a text for its currency; those rows are kept "
    "out, and somebody is told; by the runbook the files are right again, and all is loaded, within 60 s; "
    "no order is lost.",
    load=Load("shop.py", rate_per_s=10),
    disaster=(Deploy("feed", {"FEED_BAD": "currency"}),),
    runbook="etl-bad-file",
    answers={"decide": "provider"},
    alert="EtlQuarantineNotEmpty",
    detected_within_s=40,
    rto_s=60,
    within_s=240,
    rpo_s=0,
    writes=Writes("api", "/writes"),
)
