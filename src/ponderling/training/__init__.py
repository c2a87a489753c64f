"""Training runs: the loop (`trainer.py`), what a run shows, keeps, chooses, logs and shares."""
