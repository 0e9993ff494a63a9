"""The model that the package ships, for what any model does."""

from importlib.resources import files
from pathlib import Path

MODEL = Path(str(files("durhampulse.desk").joinpath("demo", "model")))
