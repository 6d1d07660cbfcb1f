import json
from dataclasses import replace
from datetime import timedelta

import pytest

from benchmarks.found_again import found_again
from benchmarks.model_writer import small_model
from benchmarks.quality import EXTRACTIVE, FALLBACK, main, with_model, without_model
from benchmarks.quality_report import MEASURES, WriterReport, as_json, as_markdown, gain
from benchmarks.session_files import NOW, SessionEvents, read_sessions, spread
from benchmarks.summary_quality import Judged, judged
from memory_maintenance.errors import InvalidRequestError, SettingsError
from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import execute, fetch_value
from memory_maintenance.summarization.policy import SessionKey
from scripted_endpoint.replies import answer, truncated_answer
from tests.restored_logs import restored_logs
from tests.writers.extractive.sessions import INCIDENT, MIGRATION, TENT, session

__all__ = ["restored_logs"]

pytestmark = pytest.mark.usefixtures("restored_logs")

PLANTED = """
INSERT INTO memories (tenant_id, content, source, importance, layer, metadata)
VALUES ('acme', 'nobody accepted this', 'summarization_worker', 0.5, 'episodic', '{"backend": "openai"}')
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
    file = read_sessions(None, WITHOUT_MODEL)
    return {writer: without_model(writer, file) for writer in (EXTRACTIVE, FALLBACK)}


# --- the promise -------------------------------------------------------------------------------------


def test_on_the_samples_an_extractive_summary_is_found_ten_points_more_often_than_raes_fallback(samples):
    ours, theirs = samples[EXTRACTIVE].found, samples[FALLBACK].found
    assert ours.asked == theirs.asked > 600
    assert ours.found / ours.asked - theirs.found / theirs.asked >= 0.10
    assert ours.important_found > theirs.important_found


def test_on_the_samples_every_extractive_summary_passes_every_measure(samples):
    report = samples[EXTRACTIVE]
    assert (report.sessions, report.passing_all, report.refused) == (26, 1.0, {})
    assert {one.unsupported_words for one in report.read} == {0.0}


def test_the_same_file_gives_the_same_numbers_but_for_the_seconds(talks):
    file = read_sessions(talks, WITHOUT_MODEL)
    runs = [[replace(without_model(writer, file), seconds=0) for writer in (EXTRACTIVE, FALLBACK)] for _ in range(2)]
    assert as_json(runs[0]) == as_json(runs[1])


# --- the sessions ------------------------------------------------------------------------------------


def test_of_the_samples_the_due_sessions_are_summarized():
    file = read_sessions(None, WITHOUT_MODEL)
    assert len(file.sessions) == 26
    assert all(file.as_of - one.events[-1].created_at >= timedelta(minutes=30) for one in file.sessions)


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
    sessions = read_sessions(path, WITHOUT_MODEL).sessions
    assert [(one.key.session_id, len(one.events)) for one in sessions] == [("kept in the metadata", 10), ("s", 10)]


def test_a_line_that_is_no_memory_is_named_by_its_number(written):
    with pytest.raises(InvalidRequestError, match=r"memories\.jsonl, line 2: content is missing"):
        read_sessions(written([_line("a"), '{"tenant_id": "acme"}']), WITHOUT_MODEL)


@pytest.mark.parametrize(("most", "kept"), [(None, 10), (20, 10), (3, [0, 3, 6]), (1, [0])])
def test_a_limit_takes_sessions_from_all_over_the_file(most, kept):
    sessions = [SessionEvents(SessionKey("t", None, str(n)), ()) for n in range(10)]
    wanted = list(range(kept)) if isinstance(kept, int) else kept
    assert [int(one.key.session_id) for one in spread(sessions, most)] == wanted


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
    apart = [[f"{name} alpha{n // 2}" for n in range(10)] for name in ("tent", "move", "fire", "bike", "tree", "pond")]
    told = found_again(_sessions(*apart), lambda events: " ".join(event.content for event in events))
    assert (told.asked, told.found) == (60, 60)
    lonely = [[f"{name}{n}" for n in range(10)] for name in ("tent", "move", "fire", "bike", "tree", "pond")]
    assert found_again(_sessions(*lonely), lambda events: " ".join(event.content for event in events)).found == 0


def test_summaries_that_all_say_the_same_find_nothing():
    alike = [["same words for all of them"] * 10] * 6
    assert found_again(_sessions(*alike), lambda _: "same words for all of them").found == 0


def test_important_events_are_counted_on_their_own():
    talk = [".9|the tent leaks", *["small talk"] * 4]
    found = found_again(_sessions(talk), lambda _: "a tent")
    assert (found.asked, found.found, found.important_asked, found.important_found) == (5, 1, 1, 1)


# --- what is shown -----------------------------------------------------------------------------------


def test_a_measure_is_a_share_of_the_answers_that_it_could_be_taken_of():
    good = judged("Ana paid 189 EUR for order 4412 on 2026-11-20.", ["refund", "order"], sources=SOURCES, prompt="")
    invented = judged("Ana paid 190 EUR for order 4412 on 2026-11-20.", ["refund", "order"], sources=SOURCES, prompt="")
    report = WriterReport("w", 2, (good, invented, Judged(("truncated",)), Judged(("off_schema",))), seconds=1)
    assert good.faults == ()
    assert {name: report.passing(name) for name in ("truncated", "off_schema", "unsupported_numbers", "empty")} == {
        "truncated": 3 / 4,
        "off_schema": 2 / 3,
        "unsupported_numbers": 1 / 2,
        "empty": 1,
    }
    assert (report.passing_all, report.refused) == (1 / 4, {"off_schema": 1, "truncated": 1, "unsupported_numbers": 1})


def test_the_table_has_a_column_per_writer_and_a_row_per_measure(talks, run):
    code, out, _ = run("--memories", talks)
    table, sentence = out.strip().split("\n\n")
    rows = {row.split(" | ")[0].strip("| "): row.split(" | ")[1:] for row in table.splitlines()}
    assert (code, list(rows)[:2]) == (0, ["", "---"])
    assert set(MEASURES.values()) <= rows.keys()
    assert {len(cells) for cells in rows.values()} == {2}
    assert sentence.endswith("by chance: 100.0 %.")


def test_json_has_every_number_of_both_writers(talks, run):
    code, out, _ = run("--memories", talks, "--json")
    told = json.loads(out)
    assert code == 0
    assert told.keys() == {EXTRACTIVE, FALLBACK}
    assert told[EXTRACTIVE]["passing"].keys() == MEASURES.keys()


@pytest.mark.parametrize("lines", [[], [_line("alone")]], ids=["empty", "too short a session"])
def test_a_file_without_sessions_is_an_error_in_one_line(written, lines, run):
    assert run("--memories", written(lines)) == (1, "", "memories.jsonl has no session of 10 events\n")


def test_without_two_searches_there_is_no_gain_to_tell_of(samples):
    assert gain(replace(samples[EXTRACTIVE], found=None), samples[FALLBACK]) == ""


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
    file = read_sessions(written(lines), WITHOUT_MODEL)
    report = await with_model("m", pool, _settings(endpoint.base_url, model_answer_attempts=3), file)
    assert report.refused == {"few_topics": 3, "truncated": 1, "unsupported_numbers": 1}
    assert report.outcomes == {"fallback": 1, "stored": 1}
    assert report.unaccepted == 0
    assert (report.tokens, len(report.answers)) == (6 * 120, 6)
    assert "| answers refused: truncated | 1 |" in as_markdown([report])


async def test_a_summary_that_nobody_accepted_would_be_seen(pool, endpoint, talks):
    endpoint.otherwise = answer(GOOD)
    await execute(pool, PLANTED)
    file = read_sessions(talks, WITHOUT_MODEL)
    assert (await with_model("m", pool, _settings(endpoint.base_url), file, limit=1)).unaccepted == 1


async def test_without_an_endpoint_there_is_no_model_to_try(pool, talks):
    with pytest.raises(SettingsError, match="no model is configured"):
        await with_model("m", pool, WITHOUT_MODEL, read_sessions(talks, WITHOUT_MODEL))


@pytest.mark.model
async def test_what_a_model_of_135_million_parameters_writes_is_judged_and_only_what_passes_is_stored(pool, written):
    file = read_sessions(written(_talk(TENT)), WITHOUT_MODEL)
    async with small_model() as named:
        report = await with_model("small", pool, named.model_copy(update={"model_answer_attempts": 1}), file)
    accepted = sum(not one.faults for one in report.answers)
    assert len(report.answers) == 1
    assert report.outcomes == {"stored" if accepted else "fallback": 1}
    assert report.unaccepted == 0
    fallbacks = "SELECT count(*) FROM memories WHERE metadata->>'fallback' = 'true'"
    assert await fetch_value(pool, fallbacks) == int(not accepted)
