"""Is a release that breaks the shop noticed, and taken back, before many customers meet it?"""

from harness import Deploy, Drill, Load, Writes

drill = Drill(
    objective="A release of api goes out whose checkout nobody has tried, and it fails for every customer; by the "
    "runbook it is taken back and the shop sells again within 45 s, and no order is lost.",
    load=Load("shop.py", rate_per_s=20),
    disaster=(Deploy("api", {"RELEASE": "untried"}),),
    runbook="bad-deploy",
    answers={"decide": "back"},
    alert="ServerErrors",
    detected_within_s=20,
    rto_s=45,
    rpo_s=0,
    writes=Writes("api", "/writes"),
)
