"""Webhooks: events about cycles, kept in an outbox and sent to receivers outside, signed."""
