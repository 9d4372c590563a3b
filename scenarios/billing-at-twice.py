"""Is nobody woken for a bill that is just twice as high as the month before?"""

from harness import AlertsSilent, Load, Scenario

scenario = Scenario(
    hypothesis="2.00 times the month before is not more than twice: no alert at all.",
    load=Load("shop.py", rate_per_s=10),
    variables={"FEED_RATIO": "2.00", "DAY_S": "2", "PULL_EVERY_S": "0.5"},
    duration_s=20,
    checks=(AlertsSilent(phase="run", evaluation_s=1),),
)
