"""Making a build of the workers the current version: the one that new runs start on."""

from __future__ import annotations

import asyncio
from typing import Final

from temporalio.api.workflowservice.v1 import SetWorkerDeploymentCurrentVersionRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from memory_maintenance.errors import NoWorkerOfBuildError, SettingsError
from memory_maintenance.settings import Settings

_POLL_SECONDS: Final = 0.5
_NOT_YET: Final = (RPCStatusCode.NOT_FOUND, RPCStatusCode.FAILED_PRECONDITION)
"""The server has not seen the build poll, or not on every task queue of the version before."""


async def set_current_version(client: Client, settings: Settings, *, patience_seconds: float) -> str | None:
    """Let new runs start on the build of the settings, once its workers poll; twice is once.

    Runs that have started end on their own build. Returns the build that was current, None where none was.

    Raises:
        SettingsError: the settings name no build.
        NoWorkerOfBuildError: none of its workers polled within *patience_seconds*.
    """
    name, build = settings.temporal_worker_deployment_name, settings.temporal_worker_build_id
    if name is None or build is None:
        raise SettingsError("set TEMPORAL_WORKER_DEPLOYMENT_NAME and TEMPORAL_WORKER_BUILD_ID to those of the workers")
    request = SetWorkerDeploymentCurrentVersionRequest(
        namespace=client.namespace, deployment_name=name, build_id=build, identity=client.identity
    )
    loop = asyncio.get_running_loop()
    deadline = loop.time() + patience_seconds
    while True:
        try:
            done = await client.workflow_service.set_worker_deployment_current_version(request)
        except RPCError as error:
            if error.status not in _NOT_YET:
                raise
            if loop.time() >= deadline:
                raise NoWorkerOfBuildError(name, build, patience_seconds, error.message) from None
        else:
            return done.previous_deployment_version.build_id or None
        await asyncio.sleep(_POLL_SECONDS)
