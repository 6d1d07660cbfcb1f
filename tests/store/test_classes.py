"""Information classes: their order, and which a list excludes, the same in Python as in SQL."""

from itertools import product

import pytest

from memory_maintenance.inspection.settings_health import settings_checks
from memory_maintenance.settings import Settings
from memory_maintenance.store.classes import CLASSES, is_excluded, more_restricted
from memory_maintenance.store.pool import execute, fetch_value
from tests.agents import write


@pytest.mark.parametrize(
    ("info_class", "excluded"),
    [*product((*CLASSES, "secret"), ((), ("confidential",), ("restricted",), ("secret",), ("public", "restricted")))],
)
async def test_sql_excludes_the_classes_that_python_excludes(pool, info_class, excluded):
    found = await fetch_value(
        pool, "SELECT maintenance.is_excluded($1, to_jsonb($2::text[]))", info_class, list(excluded)
    )
    assert found == is_excluded(info_class, excluded)


@pytest.mark.parametrize("broken", ["7", '"restricted"', "{}", None])
async def test_what_is_no_list_of_classes_excludes_nothing_or_what_it_names(pool, broken):
    found = await fetch_value(pool, "SELECT maintenance.is_excluded('public', $1::text::jsonb)", broken)
    assert found is False


async def test_sql_orders_classes_as_python_and_one_that_is_unknown_counts_as_restricted(pool):
    ranks = [await fetch_value(pool, "SELECT maintenance.class_rank($1)", one) for one in (*CLASSES, "secret")]
    assert ranks == [1, 2, 3, 4, 4]


@pytest.mark.parametrize(
    ("column", "metadata", "info_class"),
    [
        ("Confidential", {}, "confidential"),
        ("public", {"info_class": "restricted"}, "public"),
        (None, {"info_class": "Restricted"}, "restricted"),
        (None, {}, "internal"),
    ],
)
async def test_the_column_says_the_class_and_without_one_the_metadata(rae_pool, column, metadata, info_class):
    await execute(rae_pool, "ALTER TABLE memories ALTER info_class DROP NOT NULL")
    tenant = "11111111-1111-4111-8111-111111111111"
    [one] = await write(rae_pool, tenant, ["a tent"], metadata=metadata)
    await execute(rae_pool, "UPDATE memories SET info_class = $1", column)
    assert await fetch_value(rae_pool, "SELECT maintenance.info_class_of($1, $2)", tenant, one) == info_class


async def test_a_store_that_gets_the_column_later_is_asked_for_it_at_once(pool):
    [one] = await write(pool, "acme", ["a tent"])
    asked = "SELECT maintenance.info_class_of('acme', $1)"
    assert await fetch_value(pool, asked, one) == "internal"
    await execute(pool, "ALTER TABLE memories ADD info_class varchar(50) NOT NULL DEFAULT 'confidential'")
    assert await fetch_value(pool, asked, one) == "confidential"


def test_a_list_without_a_more_restricted_class_is_noted():
    assert more_restricted(("confidential",)) == ["restricted"]
    assert more_restricted(("secret",)) == more_restricted(()) == more_restricted(("restricted", "confidential")) == []
    chosen = Settings(_env_file=None, model_excluded_classes="Confidential")
    assert chosen.model_excluded_classes == ("confidential",)
    [check] = settings_checks(chosen, [])
    assert "MODEL_EXCLUDED_CLASSES names a class" in check.found
