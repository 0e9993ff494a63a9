"""Webhooks: what people decide and what came of it, sent to other programs."""
