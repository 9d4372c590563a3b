"""Alerts that the services send themselves, in Alertmanager's format; rules.yml says the same to a Prometheus."""
