"""The tap: our HTTP/1.1 proxy on the client's side of a link. client -> tap -> Toxiproxy -> service.

`python -m harness.tap` is the process, client.py speaks to it. Inside, from the client on: connection.py (the client's
side), gate.py (requests, where rules are in force), upstream.py (the service's side); http_requests.py and
http_answers.py parse beside them, ledger.py holds the attempts under way, recorder.py writes those that ended.
"""
