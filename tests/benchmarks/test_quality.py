import json
from datetime import timedelta

import pytest

from benchmarks.quality import EXTRACTIVE, FALLBACK, MEASURES, Report, column, main, with_model, without_model
from benchmarks.sessions import NOW, SessionEvents, read_sessions
from benchmarks.summary_quality import IMPORTANT, Judged, found_again, judged
from memory_maintenance.errors import SettingsError
from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import execute
from memory_maintenance.summarization.policy import SessionKey
from scripted_endpoint.replies import answer, truncated_answer
from tests.restored_logs import restored_logs
from tests.writers.extractive.sessions import INCIDENT, MIGRATION, TENT, session

__all__ = ["restored_logs"]

pytestmark = pytest.mark.usefixtures("restored_logs")

PLANTED = """
INSERT INTO memories (tenant_id, content, source, importance, layer, metadata)
VALUES ('acme', 'never accepted', 'summarization_worker', 0.5, 'episodic', '{"backend": "openai"}')
"""
WITHOUT_MODEL = Settings(_env_file=None, rae_llm_backend="extractive")


def _line(content, minutes=0, **more):
    at = (NOW - timedelta(minutes=600 - minutes)).isoformat()
    said = {"tenant_id": "acme", "project": "shop", "layer": "episodic", "session_id": "s", "created_at": at}
    return json.dumps(said | {"content": content} | more)


def _talk(lines, **more):
    return [_line(text.partition("|")[2] or text, minute, **more) for minute, text in enumerate(lines)]


@pytest.fixture
def written(tmp_path):
    """Return a function that writes lines into a file of memories."""

    def write(lines):
        path = tmp_path / "memories.jsonl"
        path.write_text("\n".join(lines), encoding="utf-8")
        return path

    return write


@pytest.fixture
def talks(written):
    return written(
        [*_talk(TENT, session_id="tent"), *_talk(MIGRATION, session_id="move"), *_talk(INCIDENT, session_id="incident")]
    )


@pytest.fixture
def run(capsys):
    """Return a function that runs the command and returns exit code, output and errors."""

    def running(*arguments):
        code = main([str(argument) for argument in arguments])
        return (code, *capsys.readouterr())

    return running


@pytest.fixture(scope="module")
def samples():
    file = read_sessions()
    return {writer: without_model(writer, file) for writer in (EXTRACTIVE, FALLBACK)}


# --- the promise -------------------------------------------------------------------------------------


def test_on_the_samples_an_extractive_summary_is_found_ten_points_more_often_than_raes_fallback(samples):
    ours, theirs = samples[EXTRACTIVE], samples[FALLBACK]
    assert len(ours.found) == len(theirs.found) > 600
    assert ours.found_share() - theirs.found_share() >= 0.10
    assert ours.found_share(IMPORTANT) > theirs.found_share(IMPORTANT)


def test_on_the_samples_every_extractive_summary_passes_every_measure(samples):
    report = samples[EXTRACTIVE]
    assert (report.sessions, len(report.answers), report.refused) == (26, 26, {})
    assert {one.figures.unsupported_words for one in report.answers} == {0.0}


# --- the sessions ------------------------------------------------------------------------------------


def test_of_a_file_only_events_of_long_enough_sessions_are_read(written):
    ten = [f"event {n}" for n in range(10)]
    path = written(
        [
            *_talk(ten),
            *_talk(ten[:9], session_id="short"),
            *_talk(ten[:9], session_id=None, metadata={"session_id": "kept in the metadata"}),
            _line("the tenth", 50, session_id=None, metadata={"session_id": "kept in the metadata"}),
            _line("a summary", 99, tags=["session_summary"]),
            _line("a reflection", 99, source="reflection_engine_v2"),
            _line("a fact", 99, layer="semantic"),
            _line("of no session", 99, session_id=None),
        ]
    )
    sessions = read_sessions(path).sessions
    assert [(one.key.session_id, len(one.events)) for one in sessions] == [("kept in the metadata", 10), ("s", 10)]


# --- what is measured --------------------------------------------------------------------------------

SOURCES = ["2026-11-20 Ana paid 189.00 EUR for order 4412.", "2026-11-22 The refund is due on 3 December 2026."]


@pytest.mark.parametrize(
    ("summary", "dates", "numbers"),
    [
        pytest.param("Ana paid and waits for her refund.", 0, 0, id="nothing"),
        pytest.param("2026-11-20: order 4412.", 0, 2 / 4, id="the time of an event, and a number"),
        pytest.param("By 2026-12-03 Ana gets 189 EUR for 4412.", 1, 1, id="a date written otherwise"),
        pytest.param(" ".join(SOURCES), 1, 1, id="all"),
    ],
)
def test_dates_and_numbers_kept_are_shares_of_those_in_the_sources(summary, dates, numbers):
    one = judged(summary, None, sources=SOURCES, prompt="")
    assert [one.dates_kept, one.numbers_kept] == pytest.approx([dates, numbers])


def test_where_the_sources_have_none_nothing_is_kept_or_lost():
    one = judged("Ana waits.", None, sources=["Ana waits."], prompt="")
    assert (one.dates_kept, one.numbers_kept) == (None, None)


def test_an_answer_has_every_fault_that_holds():
    assert judged("Bo bought 7 ponies.", ["pony"], sources=SOURCES, prompt="").faults == (
        "too_short",
        "unsupported_numbers",
        "unsupported_words",
        "few_topics",
    )


def _sessions(*talks):
    return [SessionEvents(SessionKey("t", None, str(n)), tuple(session(talk))) for n, talk in enumerate(talks)]


def test_a_held_out_event_is_found_by_what_the_others_say_and_not_by_itself():
    def told(events):
        return " ".join(event.content for event in events)

    names = ("tent", "move", "fire", "bike", "tree", "pond")
    apart = _sessions(*([f"{name} alpha{n // 2}" for n in range(10)] for name in names))
    assert [found for _, found in found_again(apart, told)] == [True] * 60
    lonely = _sessions(*([f"{name}{n}" for n in range(10)] for name in names))
    assert [found for _, found in found_again(lonely, told)] == [False] * 60


def test_summaries_that_all_say_the_same_find_nothing():
    alike = [["same words for all of them"] * 10] * 6
    assert not any(found for _, found in found_again(_sessions(*alike), lambda _: "same words for all of them"))


def test_important_events_are_counted_on_their_own():
    found = found_again(_sessions([".9|the tent leaks", *["small talk"] * 4]), lambda _: "a tent")
    report = Report(1, [], 0, found)
    assert (report.found_share(), report.found_share(IMPORTANT)) == (1 / 5, 1)


# --- what is shown -----------------------------------------------------------------------------------


def test_a_measure_is_a_share_of_the_answers_that_it_could_be_taken_of():
    good = judged("Ana paid 189 EUR for order 4412 on 2026-11-20.", ["refund", "order"], sources=SOURCES, prompt="")
    invented = judged("Ana paid 190 EUR for order 4412 on 2026-11-20.", ["refund", "order"], sources=SOURCES, prompt="")
    report = Report(2, [good, invented, Judged(("truncated",)), Judged(("off_schema",))], seconds=1)
    assert good.faults == ()
    assert {name: report.passing(name) for name in ("truncated", "off_schema", "unsupported_numbers", "empty")} == {
        "truncated": 3 / 4,
        "off_schema": 2 / 3,
        "unsupported_numbers": 1 / 2,
        "empty": 1,
    }
    assert report.refused == {"off_schema": 1, "truncated": 1, "unsupported_numbers": 1}


def test_the_table_has_a_column_per_writer_and_a_row_per_measure(talks, run):
    code, out, _ = run("--memories", talks)
    table, sentence = out.strip().split("\n\n")
    rows = {row.split(" | ")[0].strip("| "): row.split(" | ")[1:] for row in table.splitlines()}
    assert (code, list(rows)[:2]) == (0, ["", "---"])
    assert set(MEASURES.values()) <= rows.keys()
    assert {len(cells) for cells in rows.values()} == {2}
    assert sentence.endswith("by chance: 100.0 %.")


@pytest.mark.parametrize("lines", [[], [_line("alone")]], ids=["empty", "too short a session"])
def test_a_file_without_sessions_is_an_error_in_one_line(written, lines, run):
    assert run("--memories", written(lines)) == (1, "", "memories.jsonl has no session of 10 events\n")


# --- a model -----------------------------------------------------------------------------------------


def _settings(url, **more):
    return Settings(_env_file=None, rae_llm_backend="openai", openai_base_url=url, openai_api_key="none", **more)


GOOD = {
    "summary": "Ana Lund gets a full refund of 189.00 EUR for the blue tent of order 4412; glue batch G7 is the cause.",
    "key_topics": ["refund", "blue tent"],
    "sentiment": "mixed",
}


async def test_a_models_refused_answers_are_counted_and_none_is_stored(pool, endpoint, written):
    endpoint.script(truncated_answer(), answer({**GOOD, "summary": "Bo sold 77 ponies to a wizard."}), answer(GOOD))
    endpoint.otherwise = answer({**GOOD, "key_topics": ["refund"]})
    lines = [*_talk(TENT, session_id="a"), *_talk([f"{text}!" for text in TENT], session_id="b")]
    settings = _settings(endpoint.base_url, model_answer_attempts=3)
    rows = column(await with_model(pool, settings, read_sessions(written(lines))))
    reasons = {name.split(": ")[1]: count for name, count in rows.items() if name.startswith("answers refused")}
    assert reasons == {"few_topics": "3", "truncated": "1", "unsupported_numbers": "1"}
    assert (rows["sessions fallback"], rows["sessions stored"]) == ("1", "1")
    assert rows["**refused, and stored as a summary**"] == "0"
    assert (rows["tokens a session"], rows["answers"]) == (str(3 * 120), "6")


async def test_a_summary_that_was_not_accepted_is_seen_and_a_limit_takes_sessions(pool, endpoint, talks):
    endpoint.otherwise = answer(GOOD)
    await execute(pool, PLANTED)
    report = await with_model(pool, _settings(endpoint.base_url), read_sessions(talks), limit=1)
    assert (report.sessions, column(report)["**refused, and stored as a summary**"]) == (1, "1")


async def test_without_an_endpoint_there_is_no_model_to_try(pool, talks):
    settings = Settings(_env_file=None, rae_llm_backend="extractive")
    with pytest.raises(SettingsError, match="no model is configured"):
        await with_model(pool, settings, read_sessions(talks))


@pytest.mark.model
@pytest.mark.slow
def test_what_a_model_of_135_million_parameters_writes_is_judged_and_only_what_passes_is_stored(
    written, run, monkeypatch
):
    monkeypatch.setenv("MODEL_ANSWER_ATTEMPTS", "1")
    code, out, _ = run("--memories", written(_talk(TENT)), "--small-model")
    rows = {row.split(" | ")[0].strip("| "): row.strip("| ").split(" | ")[-1] for row in out.splitlines() if row}
    assert (code, rows["answers"], rows["**refused, and stored as a summary**"]) == (0, "1", "0")
    assert ("sessions stored" in rows) == (rows["**pass every measure**"] == "100 %")
