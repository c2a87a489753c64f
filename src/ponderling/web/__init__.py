"""The server and its page: `engine.py` shares the model among requests, `server.py` is HTTP, `page/` is what browsers get."""
