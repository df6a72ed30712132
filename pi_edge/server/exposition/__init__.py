"""The metrics themselves, a module for each thing they are about (docs/monitoring.md).

Only these modules import prometheus_client, and they are imported when somebody asks for metrics.
"""
