"""Labelled pairs in five languages: sentences written for this test, and what was done to each.

``duplicate``: a reader learns nothing from the second. ``update``: the same thing, later, otherwise. ``related``: about the
same thing or of the same kind. ``unrelated``: nothing in common. A pair of the last three must never be folded.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

Label = Literal["duplicate", "update", "related", "unrelated"]


class Pair(NamedTuple):
    language: str
    label: Label
    differs: str
    """In what the second differs: of a duplicate the form, of the others what keeps them apart."""
    one: str
    other: str


class Fact(NamedTuple):
    """A statement and its variants; each language has some of these."""

    said: str
    again: tuple[str, ...]
    """The same in another order, in other function words, as a paraphrase."""
    figure: str
    name: str
    negation: str
    related: str


FACTS: Final[dict[str, tuple[Fact, ...]]] = {
    "en": (
        Fact("The night export runs at 2:00 on the server in Oslo.",
             ("The night export runs at 2 am on the server in Oslo.", "At 2:00 on the server in Oslo the night export runs."),
             "The night export runs at 4:00 on the server in Oslo.", "The night export runs at 2:00 on the server in Bergen.",
             "The night export no longer runs at 2:00 on the server in Oslo.", "The night export takes 40 minutes."),
        Fact("Please send invoices for the Harbour project to Mia.",
             ("Send the invoices for Harbour project to Mia", "Mia gets the invoices for the Harbour project."),
             "Please send 3 invoices for the Harbour project to Mia.", "Please send invoices for the Harbour project to Tom.",
             "Please do not send invoices for the Harbour project to Mia.", "Mia pays the Harbour invoices within 30 days."),
        Fact("The client doesn't want calls after 6 pm.",
             ("The client does not want calls after 6 pm", "The client doesn't want calls after 18:00."),
             "The client doesn't want calls after 7 pm.", "The client Anders doesn't want calls after 6 pm.",
             "The client wants calls after 6 pm.", "The client prefers e-mail to calls."),
        Fact("My sister Ruth is allergic to walnuts.",
             ("My sister Ruth is allergic to walnuts", "Ruth, my sister, has a walnut allergy."),
             "My 2 sisters and Ruth are allergic to walnuts.", "My sister Judith is allergic to walnuts.",
             "My sister Ruth is not allergic to walnuts.", "My sister Ruth bakes without butter."),
    ),
    "de": (
        Fact("Der Vertrag mit Sommer Logistik endet am 31.03.2027.",
             ("Vertrag mit Sommer Logistik endet am 31. März 2027", "Am 31.03.2027 endet der Vertrag mit Sommer Logistik."),
             "Der Vertrag mit Sommer Logistik endet am 30.06.2027.", "Der Vertrag mit Winter Logistik endet am 31.03.2027.",
             "Der Vertrag mit Sommer Logistik endet nicht am 31.03.2027.", "Sommer Logistik liefert immer dienstags."),
        Fact("Bitte stell die Heizung im Büro auf 20 Grad.",
             ("Stell die Heizung im Büro auf 20 Grad", "Die Heizung im Büro bitte auf 20 Grad stellen."),
             "Bitte stell die Heizung im Büro auf 22 Grad.", "Bitte stell die Heizung im Büro von Jana auf 20 Grad.",
             "Bitte stell die Heizung im Büro nie auf 20 Grad.", "Die Heizung im Büro wird im Mai gewartet."),
        Fact("Der Schlüssel für das Archiv liegt bei Frau Weber.",
             ("Schlüssel für das Archiv liegt bei Frau Weber.", "Bei Frau Weber liegt der Schlüssel für das Archiv."),
             "Zwei Schlüssel für das Archiv liegen bei Frau Weber.", "Der Schlüssel für das Archiv liegt bei Frau Becker.",
             "Der Schlüssel für das Archiv liegt nicht bei Frau Weber.", "Frau Weber hat das Archiv geordnet."),
        Fact("Die Miete für das Lager beträgt 1.200 Euro.",
             ("Die Miete für das Lager beträgt 1200 Euro", "Das Lager kostet 1.200 Euro Miete."),
             "Die Miete für das Lager beträgt 1.250 Euro.", "Die Miete für das Lager in Köln beträgt 1.200 Euro.",
             "Die Miete für das Lager beträgt keine 1.200 Euro.", "Das Lager hat 80 Quadratmeter."),
    ),
    "fr": (
        Fact("Le train de Lyon arrive à 18 h 30 le vendredi.",
             ("Train de Lyon arrive à 18 h 30 le vendredi", "Le vendredi le train de Lyon arrive à 18 h 30."),
             "Le train de Lyon arrive à 19 h 30 le vendredi.", "Le train de Lille arrive à 18 h 30 le vendredi.",
             "Le train de Lyon n'arrive pas à 18 h 30 le vendredi.", "Le train de Lyon a un wagon-bar."),
        Fact("Camille préfère les réunions du matin.",
             ("Camille préfère les réunions du matin", "Camille aime mieux se réunir le matin."),
             "Camille préfère les 2 réunions du matin.", "Nadia préfère les réunions du matin.",
             "Camille ne préfère pas les réunions du matin.", "Camille anime les réunions du lundi."),
        Fact("Le code du portail est 4821.",
             ("Le code du portail est 4821", "Code du portail est 4821."),
             "Le code du portail est 4812.", "Le code du portail de Paul est 4821.",
             "Le code du portail n'est plus 4821.", "Le portail grince."),
        Fact("La réserve de café est dans la cuisine du deuxième étage.",
             ("La réserve de café est dans la cuisine du deuxième étage", "Dans la cuisine du deuxième étage est la réserve de café."),
             "La réserve de 12 kg de café est dans la cuisine du deuxième étage.", "La réserve de café est dans la cuisine de Luc au deuxième étage.",
             "La réserve de café n'est jamais dans la cuisine du deuxième étage.", "La cuisine du deuxième étage ferme tôt."),
    ),
    "es": (
        Fact("La entrega de Muebles Sol llega el 14 de mayo.",
             ("La entrega de Muebles Sol llega el 14 de mayo", "El 14 de mayo llega la entrega de Muebles Sol."),
             "La entrega de Muebles Sol llega el 17 de mayo.", "La entrega de Muebles Luna llega el 14 de mayo.",
             "La entrega de Muebles Sol no llega el 14 de mayo.", "Muebles Sol tiene tienda en Vigo."),
        Fact("El presupuesto de la feria es de 9000 euros.",
             ("El presupuesto de la feria es de 9.000 euros", "Presupuesto de feria es de 9000 euros."),
             "El presupuesto de la feria es de 9500 euros.", "El presupuesto de la feria de Bilbao es de 9000 euros.",
             "El presupuesto de la feria nunca es de 9000 euros.", "La feria dura tres días."),
        Fact("Lucía no come carne de cerdo.",
             ("Lucía no come carne de cerdo", "Lucía no come la carne de cerdo."),
             "Lucía no come 1 carne de cerdo.", "Marta no come carne de cerdo.",
             "Lucía come carne de cerdo.", "Lucía cocina con aceite."),
        Fact("El perro de Iván duerme en el balcón.",
             ("Perro de Iván duerme en balcón", "En el balcón duerme el perro de Iván."),
             "Los 2 perros de Iván duermen en el balcón.", "El perro de Óscar duerme en el balcón.",
             "El perro de Iván no duerme en el balcón.", "El perro de Iván se llama Roco."),
    ),
    "pl": (
        Fact("Spotkanie z Zofią jest we wtorek o 10:30.",
             ("Spotkanie z Zofią jest we wtorek o 10:30", "We wtorek o 10:30 jest spotkanie z Zofią."),
             "Spotkanie z Zofią jest we wtorek o 11:30.", "Spotkanie z Hanną jest we wtorek o 10:30.",
             "Spotkanie z Zofią nie jest we wtorek o 10:30.", "Zofia lubi krótkie spotkania."),
        Fact("Proszę podlewać kwiaty w biurze co 3 dni.",
             ("Podlewać kwiaty w biurze co 3 dni", "Co 3 dni proszę podlewać kwiaty w biurze."),
             "Proszę podlewać kwiaty w biurze co 5 dni.", "Proszę podlewać kwiaty w biurze Ewy co 3 dni.",
             "Proszę nie podlewać kwiatów w biurze co 3 dni.", "Kwiaty w biurze stoją przy oknie."),
        Fact("Serwer zapasowy stoi w piwnicy w Gdyni.",
             ("Serwer zapasowy stoi w piwnicy w Gdyni", "W piwnicy w Gdyni stoi serwer zapasowy."),
             "Drugi z 2 serwerów stoi w piwnicy w Gdyni.", "Serwer zapasowy stoi w piwnicy w Sopocie.",
             "Serwer zapasowy nie stoi w piwnicy w Gdyni.", "Piwnica w Gdyni jest sucha."),
        Fact("Marek woli kawę bez cukru.",
             ("Marek woli kawę bez cukru", "Bez cukru Marek woli kawę."),
             "Marek woli 2 kawy bez cukru.", "Adam woli kawę bez cukru.",
             "Marek nie woli kawy bez cukru.", "Marek pije kawę rano."),
    ),
}  # fmt: skip


def pairs() -> list[Pair]:
    """Return every pair, each in the language of its fact."""
    found = []
    for language, facts in FACTS.items():
        for place, fact in enumerate(facts):
            other = facts[(place + 1) % len(facts)]
            forms = (fact.said, fact.said.replace(" ", "  ").rstrip("."), fact.said.upper(), *fact.again)
            found += [Pair(language, "duplicate", "form", fact.said, again) for again in forms]
            found += [
                Pair(language, "update", "figures", fact.said, fact.figure),
                Pair(language, "related", "names", fact.said, fact.name),
                Pair(language, "update", "negation", fact.said, fact.negation),
                Pair(language, "related", "words", fact.said, fact.related),
                Pair(language, "unrelated", "all", fact.said, other.said),
                Pair(language, "unrelated", "all", fact.negation, other.negation),
                Pair(language, "related", "question", fact.said, f"{fact.said.rstrip('.')}?"),
            ]
    return found
