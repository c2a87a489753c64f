"""Checkpoints of the official repositories: `keys.py` has their names beside ours, `read.py` and `write.py` use them.

TRM: SamsungSAILMontreal/TinyRecursiveModels; HRM: sapientinc/HRM. A checkpoint there is a file of weights, `step_N` or
`checkpoint`, with `all_config.yaml` beside it.
"""

from ponderling.exchange.official.keys import PREFIXES as PREFIXES
from ponderling.exchange.official.keys import official_key as official_key
from ponderling.exchange.official.keys import our_key as our_key
from ponderling.exchange.official.keys import to_official as to_official
from ponderling.exchange.official.keys import to_ours as to_ours
from ponderling.exchange.official.read import Imported as Imported
from ponderling.exchange.official.read import build_imported as build_imported
from ponderling.exchange.official.read import find_file as find_file
from ponderling.exchange.official.read import load_official as load_official
from ponderling.exchange.official.read import read_official as read_official
from ponderling.exchange.official.read import resize_rows as resize_rows
from ponderling.exchange.official.write import to_yaml as to_yaml
from ponderling.exchange.official.write import write_official as write_official
