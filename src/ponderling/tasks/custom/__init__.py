"""Your own grids: `family.py` is the task that a file defines, `files.py` reads files, `split.py` keeps a test set apart.

`grid_file.py` is what all readers give: `json_and_csv.py` reads text, `npz.py` files of numpy, and `arrays.py` grids in memory.
"""

from ponderling.tasks.custom.family import Grids
from ponderling.tasks.registry import Family, Pattern

__all__ = ["FAMILY", "Grids"]

FAMILY = Family(patterns=(Pattern(expression=Grids.name, make=Grids.of),))
