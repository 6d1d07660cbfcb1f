"""Runs and the processes that do them: schedules, deadlines, ports, logs."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from annotated_types import Ge, Le
from pydantic import BeforeValidator, model_validator

from memory_maintenance.settings.kinds import (
    Count,
    Seconds,
    SettingsGroup,
    Share,
    lower,
)


class RunSettings(SettingsGroup):
    """Runs and the processes that do them: schedules, deadlines, ports, logs."""

    maintenance_daily_cron: str = "0 2 * * *"
    """When the daily run starts, as a cron expression in MAINTENANCE_TIME_ZONE; `off`: no such Schedule."""
    maintenance_hourly_cron: str = "30 * * * *"
    """When the hourly run (summaries of idle sessions) starts; `off`: no such Schedule."""
    maintenance_time_zone: str = "UTC"
    """Zone of the two cron expressions, as Europe/Warsaw. A time that a change of clocks leaves out is not made up
    for: the next run finds its work."""
    maintenance_daily_deadline_minutes: Count = 20 * 60
    """After this long a daily run starts no further work."""
    maintenance_hourly_deadline_minutes: Count = 45
    """After this long an hourly run starts no further work."""
    maintenance_fail_ratio: Share = 1.0
    """A run fails when a larger share of its tenants failed; 1: never."""
    maintenance_clock_tolerance_seconds: Seconds = 300
    """No run starts where the clocks of Postgres and of this machine or Temporal differ by more than this."""
    maintenance_child_for_every_tenant: bool = False
    """Whether every tenant has a workflow of its own; else, in a fleet with more work than one page of 200 tenants,
    those whose only work is a small decay are done 25 in a step."""
    maintenance_pages_at_once: Annotated[int, Ge(1), Le(20)] = 4
    """Pages of 200 tenants that a run works on at once; each does its small tenants one step after the other."""
    maintenance_tenants_at_once: Annotated[int, Ge(1), Le(200)] = 50
    """Tenants with workflows of their own that a page works on at once."""
    metrics_port: Annotated[int, Ge(0), Le(65535)] = 0
    """Port of the Prometheus metrics of a worker; 0: none."""
    temporal_metrics_port: Annotated[int, Ge(0), Le(65535)] = 0
    """Port of the Temporal SDK's own metrics of a worker (pollers, slots, task latencies); 0: none."""
    otel_exporter_otlp_endpoint: str | None = None
    """Where traces are sent by OTLP over HTTP, as http://localhost:4318 (extra `tracing`); unset: none are made."""
    health_port: Annotated[int, Ge(0), Le(65535)] = 0
    """Port of a worker's /livez and /readyz; 0: none."""
    listen_address: str = "127.0.0.1"
    """Where these three ports listen; in a container 0.0.0.0, so that they can be reached from outside."""
    metrics_max_tenants: Annotated[int, Ge(0)] = 100
    """Tenants with metrics of their own, per process; further ones share the label "other"."""
    log_format: Literal["console", "json"] = "console"
    """How log lines look."""
    log_level: Annotated[Literal["debug", "info", "warning", "error"], BeforeValidator(lower)] = "info"
    """Least severity that is logged."""

    @model_validator(mode="after")
    def _ports_differ(self) -> Self:
        ports = [port for port in (self.metrics_port, self.temporal_metrics_port, self.health_port) if port]
        if len(set(ports)) < len(ports):
            raise ValueError("METRICS_PORT, TEMPORAL_METRICS_PORT and HEALTH_PORT name the same port twice")
        return self

    def deadline_minutes(self, *, daily: bool) -> int:
        """Return how long a run may start further work."""
        return self.maintenance_daily_deadline_minutes if daily else self.maintenance_hourly_deadline_minutes
