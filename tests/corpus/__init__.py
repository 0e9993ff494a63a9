"""Sixty small exports in the style of real tools, and what reading each of them must give.

``exports/*.toml`` declares them; ``python -m tests.corpus`` reads them all in many spellings and
writes ``docs/corpus.md``.
"""
