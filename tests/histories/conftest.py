from tests.endpoint import endpoint
from tests.workflows.conftest import working

__all__ = ["endpoint", "working"]
