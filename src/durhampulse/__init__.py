"""DurhamPulse: of the thousands of creators who apply, who gets the sponsorship deal?"""

from __future__ import annotations
