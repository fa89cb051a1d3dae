"""The small base model that ships, and the fictional people of the demo."""

from pathlib import Path

FOLDER = Path(__file__).parent
MODEL = FOLDER / "model"
PEOPLE = FOLDER / "people"
