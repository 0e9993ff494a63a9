"""``python -m durhampulse``, the same as the command ``durhampulse``."""

from durhampulse.cli import main

main()
