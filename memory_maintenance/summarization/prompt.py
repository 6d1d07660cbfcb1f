"""What a model is asked for when it summarizes a session, and the shape of its answer."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Sentiment = Literal["positive", "neutral", "negative", "mixed"]


class SessionSummaryResponse(BaseModel):
    """A summary of one session, by a model or by chosen sentences."""

    model_config = ConfigDict(frozen=True)

    summary: str = Field(min_length=1, max_length=4000)
    key_topics: tuple[str, ...] = Field(default=(), max_length=12)
    sentiment: Sentiment = "neutral"

    def as_text(self) -> str:
        """Return the text that is stored: summary, topics and sentiment in three paragraphs."""
        return f"{self.summary}\n\nKey Topics: {', '.join(self.key_topics)}\n\nSentiment: {self.sentiment}"
