"""What a creator's row is, and how it gets in."""

from __future__ import annotations

from durhampulse.creators.reading import read_creators
from durhampulse.creators.table import Creators

__all__ = ["Creators", "read_creators"]
