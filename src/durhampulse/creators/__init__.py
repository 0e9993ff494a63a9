"""What a creator's row is, and how it gets in."""

from __future__ import annotations

from durhampulse.creators.reading import Creators, read_creators

__all__ = ["Creators", "read_creators"]
