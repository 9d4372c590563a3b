"""Is a full disk under the database noticed, and is what fills it found and removed?"""

from harness import Drill, JunkFile, Load, Writes

drill = Drill(
    objective="A forgotten log fills the database's disk, and nothing can be written; by the runbook it is removed "
    "and the shop sells again within 60 s, and no order is lost.",
    load=Load("shop.py", rate_per_s=20),
    disaster=(JunkFile("postgres", path="/var/lib/postgresql/data", name="pgdata/debug.log"),),
    runbook="disk-full",
    answers={"decide": "remove"},
    alert="DatabaseDiskFull",
    detected_within_s=30,
    rto_s=60,
    rpo_s=0,
    writes=Writes("api", "/writes"),
)
