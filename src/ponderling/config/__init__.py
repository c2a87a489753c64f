"""Every setting of a run, as frozen dataclasses; the text below a field is also its help on the command line.

`RunConfig` (run.py) holds them all: `model` the network, `train` what changes the numbers of training, `data` the puzzles,
`run` the machine and the bookkeeping, `solve` how the trained model stops. `recipes.py` fills them in for the papers' runs
and for small machines. Nothing here needs torch.
"""

from ponderling.config.data import DataConfig as DataConfig
from ponderling.config.data import Overlap as Overlap
from ponderling.config.json_files import parse_json as parse_json
from ponderling.config.json_files import read_bounded as read_bounded
from ponderling.config.model import DType as DType
from ponderling.config.model import Gradient as Gradient
from ponderling.config.model import Latents as Latents
from ponderling.config.model import Mixer as Mixer
from ponderling.config.model import ModelConfig as ModelConfig
from ponderling.config.model import Positions as Positions
from ponderling.config.model import System as System
from ponderling.config.reading import field_texts as field_texts
from ponderling.config.reading import from_json as from_json
from ponderling.config.reading import to_json as to_json
from ponderling.config.renamed import current_flags as current_flags
from ponderling.config.renamed import from_format_1 as from_format_1
from ponderling.config.run import PuzzleShape as PuzzleShape
from ponderling.config.run import RunConfig as RunConfig
from ponderling.config.running import RuntimeConfig as RuntimeConfig
from ponderling.config.solving import Choice as Choice
from ponderling.config.solving import HaltBy as HaltBy
from ponderling.config.solving import Search as Search
from ponderling.config.solving import SolveConfig as SolveConfig
from ponderling.config.training import Halting as Halting
from ponderling.config.training import LossName as LossName
from ponderling.config.training import OptimizerName as OptimizerName
from ponderling.config.training import Phase as Phase
from ponderling.config.training import TrainConfig as TrainConfig
