"""Labelled pairs in five languages: a memory and a later one, and the rule by which the later one replaces it, if any.

Sentences written for this test. ``MISSED`` are updates that the rule does not find.
"""

from __future__ import annotations

from typing import Final

UPDATES: Final[dict[str, list[tuple[str, str, str]]]] = {
    "en": [
        ("new_value", "The night export runs at 2:00 on the server in Oslo.", "The night export runs at 4:00 on the server in Oslo."),
        ("new_value", "The rent for the office is 900 euros a month", "The rent for the office is 950 euros a month"),
        ("new_value", "The lease of Harbour Street ends on 31.03.2027.", "The lease of Harbour Street ends on 30.06.2027."),
        ("new_value", "Anna Berg lives in Berlin.", "Anna Berg now lives in Munich."),
        ("new_value", "The spare key hangs in the hall.", "The spare key now hangs in the kitchen."),
        ("no_longer", "Mia Torres works at the bakery.", "Mia Torres no longer works at the bakery."),
        ("old_value_quoted", "The design review is on Tuesday.", "The design review moved from Tuesday to Thursday."),
        ("old_value_quoted", "The night export runs at 2:00.", "The night export runs at 4:00 instead of 2:00."),
        ("old_value_quoted", "The budget for the fair is 9000 euros.", "The budget for the fair was raised from 9000 to 9500 euros."),
        ("old_value_quoted", "Anna lives in Berlin.", "Anna moved from Berlin to Munich."),
    ],
    "de": [
        ("new_value", "Die Miete für das Lager beträgt 1.200 Euro.", "Die Miete für das Lager beträgt 1.250 Euro."),
        ("new_value", "Der Vertrag mit Sommer Logistik endet am 31.03.2027.", "Der Vertrag mit Sommer Logistik endet am 30.06.2027."),
        ("new_value", "Frau Weber wohnt in Köln.", "Frau Weber wohnt jetzt in Bonn."),
        ("no_longer", "Der Schlüssel für das Archiv liegt bei Frau Weber.", "Der Schlüssel für das Archiv liegt nicht mehr bei Frau Weber."),
        ("old_value_quoted", "Die Übergabe ist am Dienstag.", "Die Übergabe wurde von Dienstag auf Donnerstag verschoben."),
        ("old_value_quoted", "Der Bus nach Ulm fährt um 8:15.", "Der Bus nach Ulm fährt um 8:45 statt um 8:15."),
    ],
    "fr": [
        ("new_value", "Le loyer du dépôt est 900 euros.", "Le loyer du dépôt est 950 euros."),
        ("new_value", "Camille Roy habite à Lyon.", "Camille Roy habite maintenant à Lille."),
        ("no_longer", "Le code du portail est 4821.", "Le code du portail n'est plus 4821."),
        ("old_value_quoted", "La réunion budget est mardi.", "La réunion budget est jeudi au lieu de mardi."),
        ("old_value_quoted", "Le train de Lyon arrive à 18:30.", "Le train de Lyon arrive à 19:30 au lieu de 18:30."),
    ],
    "es": [
        ("new_value", "El alquiler del local cuesta 700 euros.", "El alquiler del local cuesta 740 euros."),
        ("new_value", "Lucía Vega vive en Vigo.", "Lucía Vega vive ahora en Madrid."),
        ("no_longer", "El perro de Iván duerme en el balcón.", "El perro de Iván ya no duerme en el balcón."),
        ("old_value_quoted", "La entrega de Muebles Sol es el martes.", "La entrega de Muebles Sol es el jueves en lugar del martes."),
        ("old_value_quoted", "La clase de yoga empieza a las 9:00.", "La clase de yoga empieza a las 10:00 en vez de las 9:00."),
    ],
    "pl": [
        ("new_value", "Czynsz za magazyn wynosi 1200 złotych.", "Czynsz za magazyn wynosi 1300 złotych."),
        ("new_value", "Marek Nowak mieszka w Gdyni.", "Marek Nowak mieszka teraz w Sopocie."),
        ("no_longer", "Serwer zapasowy stoi w piwnicy w Gdyni.", "Serwer zapasowy już nie stoi w piwnicy w Gdyni."),
        ("old_value_quoted", "Spotkanie z Zofią jest o 10:30.", "Spotkanie z Zofią jest o 11:30 zamiast o 10:30."),
    ],
}  # fmt: skip

MISSED: Final[dict[str, list[tuple[str, str]]]] = {
    "en": [("Ruth is allergic to walnuts.", "Ruth can eat walnuts again since the therapy.")],
    "de": [("Jana trinkt Kaffee mit Milch.", "Jana ist auf schwarzen Kaffee umgestiegen.")],
    "fr": [("Camille préfère les réunions du matin.", "Camille préfère désormais se réunir le soir.")],
    "es": [("El presupuesto de la feria es de 9000 euros.", "Para la feria tenemos ya 9500 euros.")],
    "pl": [("Marek woli kawę bez cukru.", "Marek słodzi już kawę.")],
}  # fmt: skip

KEPT: Final[dict[str, list[tuple[str, str]]]] = {
    "en": [
        ("The night export runs at 2:00 in Oslo.", "The night export runs at 2:00 in Oslo."),
        ("The rent for the office is 900 euros.", "Is the rent for the office 950 euros?"),
        ("The design review is on Tuesday.", "Maybe the design review is moved from Tuesday to Thursday."),
        ("The design review is on Tuesday.", "The design review could be on Thursday instead of Tuesday."),
        ("Anna lives in Berlin.", "Anna plans to live in Munich instead of Berlin."),
        ("Anna lives in Berlin.", "Ben moved from Berlin to Munich."),
        ("Anna Berg lives in Berlin.", "Anna Holt now lives in Munich."),
        ("The invoice 4412 is 90 euros for Mia.", "The invoice 4413 is 95 euros for Mia."),
        ("The ticket for zone 2 costs 20 euros.", "The ticket for zone 3 costs 20 euros."),
        ("The night export runs at 2:00.", "The day export runs at 4:00 instead of 2:00."),
        ("The night export runs at 2:00.", "Anna took the bus at 4:00 instead of 2:00."),
        ("Mia Torres works at the bakery.", "Tom Torres no longer works at the bakery."),
        ("Anna is from Berlin.", "Anna moved from Berlin to Munich."),
        ("Anna works in Berlin.", "Anna moved from Berlin to Munich."),
        ("Anna lives in Berlin.", "Anna works in Munich instead of Berlin."),
        ("The bakery opens at 9:00.", "The bakery closes at 10:00 instead of 9:00."),
        ("The bakery opens at 9:00.", "The bakery in Oslo opens at 10:00 instead of 9:00."),
        ("The team meets on Tuesday.", "The team meets on Thursday instead of Tuesday next week."),
        ("The rent for the office is not 900 euros.", "The rent for the office is not 950 euros."),
        ("Plan A for the office is 9 euros.", "The plan for the office is 10 euros instead of 9 euros."),
        ("Anna lives in Munich.", "Anna moved from Berlin to Munich."),
        ("The harbour in Oslo is cold.", "The harbour in Oslo is now dark."),
        ("A train to Bergen leaves at 9:00.", "A train to Bergen leaves at 11:00."),
        ("Paid 20 euros for lunch with Ben.", "Paid 30 euros for lunch with Ben."),
        ("The run in the park took 40 minutes.", "The run in the park took 50 minutes."),
        ("My rent for the flat is 900 euros.", "My rent for the flat is 950 euros."),
        ("The design review is on Tuesday.", "The design review was not moved from Tuesday to Thursday."),
        ("The lunch special is 9 euros today.", "The lunch special is 11 euros today."),
        ("The budget for the fair is 9000 euros.", "If Ben agrees the budget for the fair is 9500 euros."),
    ],
    "de": [
        ("Die Miete für das Lager beträgt 1.200 Euro.", "Die Miete für das Lager in Köln beträgt 1.250 Euro."),
        ("Die Übergabe ist am Dienstag.", "Vielleicht wird die Übergabe von Dienstag auf Donnerstag verschoben."),
        ("Der Bus nach Ulm fährt um 8:15.", "Der Bus nach Bonn fährt um 8:45 statt um 8:15."),
        ("Frau Weber wohnt in Köln.", "Frau Becker wohnt jetzt in Bonn."),
        ("Frau Weber wohnt in Köln.", "Wohnt Frau Weber jetzt in Bonn?"),
        ("Der Schlüssel für das Archiv liegt bei Frau Weber.", "Der Schlüssel für den Keller liegt nicht mehr bei Frau Weber."),
        ("Die Bäckerei öffnet um 8:00.", "Die Bäckerei schließt um 9:00 statt um 8:00."),
        ("Ein Zug nach Ulm fährt um 8:15.", "Ein Zug nach Ulm fährt um 9:15."),
        ("Meine Miete beträgt 900 Euro warm.", "Meine Miete beträgt 950 Euro warm."),
    ],
    "fr": [
        ("Le loyer du dépôt est 900 euros.", "Le loyer du garage est 950 euros."),
        ("La réunion budget est mardi.", "La réunion budget pourrait être jeudi au lieu de mardi."),
        ("Le train de Lyon arrive à 18:30.", "Le train de Lille arrive à 19:30 au lieu de 18:30."),
        ("Le code du portail est 4821.", "Le code du garage n'est plus 4821."),
        ("La boulangerie ouvre à 8:00.", "La boulangerie ferme à 9:00 au lieu de 8:00."),
        ("Camille Roy habite à Lyon.", "Nadia Roy habite maintenant à Lille."),
        ("Camille Roy habite à Lyon.", "Camille Roy habite maintenant à Lille ?"),
    ],
    "es": [
        ("El alquiler del local cuesta 700 euros.", "El alquiler del garaje cuesta 740 euros."),
        ("La clase de yoga empieza a las 9:00.", "La clase de salsa empieza a las 10:00 en vez de las 9:00."),
        ("La clase de yoga empieza a las 9:00.", "Quizás la clase de yoga empieza a las 10:00 en vez de las 9:00."),
        ("El perro de Iván duerme en el balcón.", "El perro de Óscar ya no duerme en el balcón."),
        ("Lucía Vega vive en Vigo.", "Marta Vega vive ahora en Madrid."),
        ("Otro autobús sale a las 9:00 de Vigo.", "Otro autobús sale a las 9:30 de Vigo."),
    ],
    "pl": [
        ("Czynsz za magazyn wynosi 1200 złotych.", "Czynsz za garaż wynosi 1300 złotych."),
        ("Spotkanie z Zofią jest o 10:30.", "Spotkanie z Hanną jest o 11:30 zamiast o 10:30."),
        ("Spotkanie z Zofią jest o 10:30.", "Może spotkanie z Zofią jest o 11:30 zamiast o 10:30."),
        ("Serwer zapasowy stoi w piwnicy w Gdyni.", "Serwer główny już nie stoi w piwnicy w Gdyni."),
        ("Marek Nowak mieszka w Gdyni.", "Adam Nowak mieszka teraz w Sopocie."),
        ("Marek Nowak mieszka w Gdyni.", "Czy Marek Nowak mieszka teraz w Sopocie?"),
    ],
}  # fmt: skip
