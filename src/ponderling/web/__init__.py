"""The server and its page: `engine.py` shares a model among requests, `http/` is HTTP, `page/` is what browsers get."""
