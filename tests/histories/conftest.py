from tests.workflows.conftest import working

__all__ = ["working"]
