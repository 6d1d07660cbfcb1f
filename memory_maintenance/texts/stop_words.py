"""Words that say nothing on their own: the glue of English, and the small talk of chats."""

from __future__ import annotations

from typing import Final

STOP_WORDS: Final = frozenset(
    """
    a about above after again against all also am an and any are aren't around as at be because been before being
    below between both but by can can't cannot could couldn't did didn't do does doesn't doing don't done down during
    each either else ever every few for from further get gets getting got had hadn't has hasn't have haven't having he
    he'd he'll he's her here here's hers herself him himself his how how's however i i'd i'll i'm i've if in into is
    isn't it it'd it'll it's its itself just let's like many may me might more most much must my myself neither no nor
    not now of off on once one only onto or other ought our ours ourselves out over own per quite rather really same
    shall she she'd she'll she's should shouldn't since so some still such than that that's the their theirs them
    themselves then there there's these they they'd they'll they're they've this those though through till to too
    toward towards under unless until up upon us very via was wasn't we we'd we'll we're we've were weren't what what's
    when when's where where's whether which while who who's whom whose why why's will with within without won't would
    wouldn't yet you you'd you'll you're you've your yours yourself yourselves
    """.split()
)
"""Closed-class words of English and their contractions, in lower case."""

ROLES: Final = frozenset(
    "agent ai assistant bot caller client customer human moderator operator support system tool user".split()
)
"""Who speaks in a transcript when no name is given."""

CHATTER: Final = frozenset(
    """
    afternoon ah alright amazing anytime appreciate appreciated awesome bye cheers cool day evening everyone excellent
    fantastic fine folks glad good goodbye got great guys ha haha happy hear hello help helped helpful helping hey hi
    hiya hmm hold hope hot know let lol look looking lovely luck makes minute moment morning nice night no noted nope
    oh ok okay one perfect please pleasure problem questions quick right sec second see sense sorry sounds sure
    take talk team thank thanks there thing think time tomorrow today understood wait way weather weekend welcome well
    wonderful work works worries yeah yep yes coffee doing going
    """.split()
)
"""Words that make up greetings, thanks and acknowledgements; a sentence of nothing else is small talk."""

OPENINGS: Final = frozenset(
    """
    afternoon ah bye cheers evening goodbye ha haha hello hey hi hiya hmm lol morning oh ok okay thank thanks welcome
    yeah yep
    """.split()
)
"""A short sentence that starts with one of these and has at most one other content word greets or thanks someone."""

FILLER: Final = frozenset(
    """
    actually add added agreed another anything arrived ask asked asking asks basically became become began begin bit
    call called came change changed changes check checked checking come comes confirm confirmed contact could decided
    definitely done enough even everything example fact feel felt fine first found gave give given go goes going gone
    great happen happened item items keep keeps kept kind last later least left let little long lot lots made make
    makes making mean means mention mentioned need needed needs never new next nothing noted number old ones part
    people plan point possible probably put reach ready reported reports request requested requests run running said
    saw say saying says see seem seemed seems seen send sends sent set several show showed shows side simply someone
    something soon start started state stay sure take taken takes talk tell thing things think thought time times told
    took tried try trying turn turned two three four five update updated use used user uses using want wanted wants
    way week went whole work worked working works would write wrote day days hour hours minute minutes month months
    today tomorrow yesterday monday tuesday wednesday thursday friday saturday sunday january february march april june
    july august september october november december
    """.split()
)
"""Words that carry a sentence but name no subject: neither a topic nor a theme begins or ends with one."""
