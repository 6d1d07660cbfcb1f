"""Words that say nothing on their own: the glue of English, and the small talk of chats."""

from __future__ import annotations

from typing import Final


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


STOP_WORDS: Final = _words(
    """
    a about above after again against all also am an and any are aren't around as at be because been before being
    below between both but by can can't cannot could couldn't did didn't do does doesn't doing don't done down
    during each either else ever every few for from further get gets getting got had hadn't has hasn't have haven't
    having he he'd he'll he's her here here's hers herself him himself his how how's however i i'd i'll i'm i've if
    in into is isn't it it'd it'll it's its itself just let's like many may me might more most much must my myself
    neither no nor not now of off on once one only onto or other ought our ours ourselves out over own per quite
    rather really same shall she she'd she'll she's should shouldn't since so some still such than that that's the
    their theirs them themselves then there there's these they they'd they'll they're they've this those though
    through till to too toward towards under unless until up upon us very via was wasn't we we'd we'll we're we've
    were weren't what what's when when's where where's whether which while who who's whom whose why why's will with
    within without won't would wouldn't yet you you'd you'll you're you've your yours yourself yourselves
    """
)
"""Closed-class words of English and their contractions, in lower case."""

ROLES: Final = _words(
    """
    agent ai assistant bot caller client customer human moderator operator support system tool user
    """
)
"""Who speaks in a transcript when no name is given."""

CHATTER: Final = _words(
    """
    afternoon ah alright amazing anytime appreciate appreciated awesome bye check checking cheers coffee cool day
    doing evening everyone excellent fantastic fine folks glad going good goodbye got great guys ha haha happy hear
    hello help helped helpful helping hey hi hiya hmm hold hope hot know let lol look looking lovely luck makes
    minute moment morning nice night no nope noted oh ok okay one perfect please pleasure problem questions quick
    right sec second see sense sorry sounds sure take talk team thank thanks there thing think time today tomorrow
    understood wait way weather weekend welcome well wonderful work works worries yeah yep yes
    """
)
"""Words that make up greetings, thanks and acknowledgements; a sentence of nothing else is small talk."""

OPENINGS: Final = _words(
    """
    afternoon ah bye cheers evening goodbye ha haha hello hey hi hiya hmm lol morning oh ok okay thank thanks
    welcome yeah yep
    """
)
"""A short sentence that starts with one of these and has at most one other content word greets or thanks someone."""

FILLER: Final = _words(
    """
    actually add added agreed another anything apr april arrived asap ask asked asking asks aug august bad basically
    became become began begin best better big bit bought call called came carries carry cent cents change changed
    changes check checked checking closed come comes confirm confirmed contact day days dec december decided
    definitely dollars ends enough eur euro euros even everything example fact fail failed fails feb february feel
    felt fine first five found four free friday full gave give given go goes going gone great half happen happened
    hit hits hour hours ignore ignores inches item items jan january jul july jun june keep keeps kept kind known
    last later least left let little long lot lots made make makes making mar march max mean means mention mentioned
    min minus minute minutes mode monday month months move moved moves need needed needs never new next noted
    nothing nov november number oct october old ones open part people percent plan plus point possible pounds
    probably put reach ready report reported reports request requested requests run running said saturday saw say
    saying says see seem seemed seems seen send sends sent sep sept september set several show showed shows side
    simply size someone something soon square start started state stay sunday sure take taken takes talk tell thing
    things think thought three thursday time times today told tomorrow took tried try trying tuesday turn turned two
    update updated usd use used user uses using want wanted wants way wednesday week went whole work worked working
    works write wrong wrote year years yesterday
    """
)
"""Words that carry a sentence but name no subject: neither a topic nor a theme begins or ends with one."""
