"""The HTTP side of the server: `server.py` puts it together. It needs the extra `serve`, and says so at import."""

import importlib.util

for _package in ("fastapi", "uvicorn"):
    if importlib.util.find_spec(_package) is None:
        raise ModuleNotFoundError(
            f"{__name__} needs {_package}, which is not installed: pip install 'ponderling[serve]'", name=_package
        )
