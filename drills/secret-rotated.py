"""Does the shop come back when somebody changed the database's password and told nobody?"""

from harness import Drill, Load, Sql, Writes

drill = Drill(
    objective="The database's password is changed, and all sessions end; by the runbook every service has a new one "
    "and the shop sells again within 60 s, and no order is lost.",
    load=Load("shop.py", rate_per_s=20),
    disaster=(
        Sql(
            "postgres",
            "ALTER ROLE shop PASSWORD 'that nobody was told of'; "
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'shop' AND pid <> pg_backend_pid()",
        ),
    ),
    runbook="bad-config",
    answers={"decide": "rotate"},
    alert="CredentialsRefused",
    detected_within_s=20,
    rto_s=60,
    within_s=240,
    rpo_s=0,
    writes=Writes("api", "/writes"),
)
