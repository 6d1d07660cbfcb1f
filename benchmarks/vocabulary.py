"""The words of the synthetic store.

Everything an agent can write about has two or three names. A memory uses one of them, its
question another or the same, so that the search has to cope with other words, as it does in life.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

Names = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Aspect:
    """Something to know about a subject, under several names; ``values`` are what it can be."""

    names: Names
    values: Names


def _numbered(pattern: str, *numbers: int) -> Names:
    return tuple(pattern.format(number) for number in numbers)


def _words(text: str) -> Names:
    return tuple(text.split())


def _groups(text: str) -> tuple[Names, ...]:
    return tuple(map(_words, text.split("|")))


_FIRST: Final = _words(
    """
    Maple Orchid Falcon Juniper Harbor Saffron Cobalt Willow Ember Lantern Quartz Meadow Raven Cedar Velvet Summit
    Indigo Thistle Otter Canyon Marble Clover Breeze Copper Lotus Granite Heron Amber Fjord Poppy Slate Walnut
    Comet Sparrow Coral Tundra Basil Jasper Pebble Aurora Badger Citrus Dune Fern Glacier Hazel Iris Linden
    """
)
_KIND: Final = _words("Clinic Bakery Warehouse School Hotel Garage Library Farm")

SUBJECTS: Final = tuple(f"{name} {_KIND[place % len(_KIND)]}" for place, name in enumerate(_FIRST))

PEOPLE: Final = _words(
    """
    Ana Boris Chloe Dmitri Elena Farid Greta Hiro Ines Jonas Kavya Lucas Mina Nadia Oskar Petra Quentin Rosa Samir Tilda
    Umar Viola Wen Yusuf
    """
)

CHANGING: Final = (
    Aspect(("address", "office", "premises"), _numbered("{} Rosewood Street", 4, 17, 38, 52, 71, 96)),
    Aspect(("version", "release", "build"), _numbered("7.{}.1", 2, 3, 5, 6, 8, 9)),
    Aspect(("contact", "manager", "representative"), PEOPLE),
    Aspect(("deadline", "due date", "delivery day"), _numbered("the {}th of the quarter", 4, 9, 15, 19, 26, 28)),
    Aspect(("price", "fee", "rate"), _numbered("{} euros", 120, 140, 185, 210, 260, 310)),
    Aspect(("dosage", "dose", "quantity"), _numbered("{} milligrams", 5, 10, 15, 25, 40, 60)),
    Aspect(("plan", "tier", "subscription"), ("bronze", "silver", "gold", "platinum", "trial", "family")),
    Aspect(("schedule", "timetable", "opening hours"), _numbered("from {} onwards", 6, 7, 8, 9, 10, 11)),
)
"""Facts that are superseded in the course of the year."""

STANDING: Final = (
    Aspect(("allergy", "intolerance", "hypersensitivity"), ("penicillin", "latex", "peanuts", "bee stings")),
    Aspect(
        ("recovery code", "backup key", "emergency login"), ("in the blue binder", "in the safe", "with the notary")
    ),
    Aspect(("cancellation clause", "termination notice", "exit terms"), _numbered("{} days in writing", 30, 60, 90)),
    Aspect(("insurance certificate", "coverage number", "liability cover"), _numbered("IN-{}", 4471, 5820, 6093)),
    Aspect(("stopcock", "main valve", "water shutoff"), ("behind the stairs", "under the ramp", "in the cellar")),
    Aspect(("serial number", "asset tag", "inventory label"), _numbered("SN-{}", 9034, 9150, 9728)),
)
"""Facts that stay true, matter much and are needed about once a year."""

OBJECTS: Final = _groups(
    """
    invoice bill statement | parcel package shipment | printer copier | laptop notebook computer | door entrance gate |
    heater radiator boiler | window pane glazing | ticket case inquiry | report summary write-up | truck van lorry |
    fridge freezer cooler | badge pass keycard | camera webcam | form questionnaire sheet | menu catalogue brochure |
    lamp light spotlight | router modem gateway | carpet flooring rug | backup snapshot archive |
    password passphrase credential | lift elevator | battery accumulator | scale balance | bench seat chair
    """
)

STATES: Final = _groups(
    """
    late delayed overdue | missing lost vanished | broken damaged faulty | duplicate doubled repeated |
    wrong incorrect mistaken | noisy loud rattling | dirty stained soiled | blocked locked jammed |
    outdated expired obsolete | spare extra surplus | unsigned unapproved | leaking dripping wet
    """
)

FACT_SENTENCES: Final = (
    "{subject}: the {aspect} is {value}.",
    "The {aspect} for {subject} is {value}.",
    "{person} confirmed {value} as the {aspect} of {subject}.",
    "Noted the {aspect} {value} for {subject}, says {person}.",
)

FACT_QUESTIONS: Final = (
    "What is the {aspect} of {subject}?",
    "Which {aspect} does {subject} have?",
    "Tell me the {aspect} for {subject}.",
)

EVENT_SENTENCES: Final = (
    "{person} reported a {state} {thing} at {subject}{ending}.",
    "At {subject}, {person} complained about the {state} {thing}{ending}.",
    "Dealt with a {state} {thing} for {person} from {subject}{ending}.",
)

EVENT_ENDINGS: Final = (
    "",
    " and wants it settled before the weekend",
    "; a replacement was ordered",
    ", apologised and offered a discount",
    "; escalated to the second line",
    ", which turned out to be a misunderstanding",
)

EVENT_QUESTIONS: Final = (
    "What happened with the {state} {thing} that {person} mentioned at {subject}?",
    "{person} had trouble with a {state} {thing} at {subject}: what was done?",
)

MENTION_SENTENCES: Final = (
    "{person} asked {subject} to double-check the {aspect}.",
    "Somebody at {subject} will send the {aspect} again.",
    "Talked with {person} about how {subject} handles the {aspect}.",
)

CHATTER_SENTENCES: Final = (
    "{person} of {subject} said thanks and wished a good day.",
    "Short call with {subject}, nothing new.",
    "{person} from {subject} talked about the weather and the holidays.",
    "{subject} sent the usual newsletter.",
)
