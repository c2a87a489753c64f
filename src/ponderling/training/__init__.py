"""Training runs: the loop (`trainer.py`), what a run keeps, logs and shares."""
