"""Pushing and loading back, against a small Hub of our own on loopback that speaks the real client's protocol."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import torch
import yaml

from ponderling.checkpoint import load_checkpoint
from ponderling.cli import main
from ponderling.cli.serve import names_of
from ponderling.exchange.hub import _data, find_local, make_card, save_pretrained

TOKEN = "hf_secretsecretsecretsecret"
TINY = [
    "--train.steps", "4", "--train.batch-size", "8", "--train.N-sup", "3", "--run.eval-every", "2",
    "--model.hidden-size", "16", "--model.inner-multiple", "16", "--model.n", "1", "--model.T", "1",
    "--data.num-validation", "20", "--data.max-train", "50", "--data.max-test", "20",
]  # fmt: skip


class Hub(BaseHTTPRequestHandler):
    """Repositories in memory: create, preupload, LFS upload, commit; info and files."""

    repos: dict[str, dict[str, bytes]]
    private: dict[str, bool]
    large: dict[str, bytes]
    requests: list[str]

    def log_message(self, *args):
        pass

    def body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def answer(self, value=None, status=200, headers=(), raw: bytes | None = None):
        data = raw if raw is not None else json.dumps(value).encode()
        self.send_response(status)
        for name, text in (("Content-Length", str(len(data))), *headers):
            self.send_header(name, text)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    @property
    def base(self) -> str:
        return f"http://{self.headers['Host']}"

    def do_POST(self):
        Hub.requests.append(f"POST {self.path}")
        body = self.body()
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            return self.answer({"error": f"bad token {self.headers.get('Authorization')}"}, 401)
        if self.path == "/api/repos/create":
            wanted = json.loads(body)
            repo = f"{wanted.get('organization') or 'someone'}/{wanted['name']}"
            if repo in Hub.repos:
                return self.answer({"error": "exists", "url": f"{self.base}/{repo}"}, 409)
            Hub.repos[repo] = {}
            Hub.private[repo] = bool(wanted.get("private") or wanted.get("visibility") == "private")
            return self.answer({"url": f"{self.base}/{repo}", "id": repo})
        if self.path == "/api/validate-yaml":
            front = yaml.safe_load(json.loads(body)["content"].split("---")[1])
            errors = [] if {"license", "library_name", "tags"} <= front.keys() else [{"message": f"got {front}"}]
            return self.answer({"errors": errors, "warnings": []})
        if found := re.fullmatch(r"/api/models/([^/]+/[^/]+)/preupload/main", self.path):
            files = [
                {
                    "path": file["path"],
                    "uploadMode": "lfs" if file["path"].endswith(".safetensors") else "regular",
                    "shouldIgnore": False,
                }
                for file in json.loads(body)["files"]
            ]
            return self.answer({"files": files})
        if self.path.endswith(".git/info/lfs/objects/batch"):
            objects = [
                {"oid": o["oid"], "size": o["size"], "actions": {"upload": {"href": f"{self.base}/lfs/{o['oid']}"}}}
                for o in json.loads(body)["objects"]
            ]
            return self.answer({"transfer": "basic", "objects": objects})
        if found := re.fullmatch(r"/api/models/([^/]+/[^/]+)/commit/main", self.path):
            repo = Hub.repos[found[1]]
            for line in body.splitlines():
                entry = json.loads(line)
                value = entry["value"]
                if entry["key"] == "file":
                    repo[value["path"]] = base64.b64decode(value["content"])
                elif entry["key"] == "lfsFile":
                    repo[value["path"]] = Hub.large[value["oid"]]
            sha = hashlib.sha1(body).hexdigest()
            return self.answer({"commitUrl": f"{self.base}/{found[1]}/commit/{sha}", "commitOid": sha, "success": True})
        return self.answer({"error": "no such place"}, 404)

    def do_PUT(self):
        body = self.body()
        assert hashlib.sha256(body).hexdigest() == self.path.rsplit("/", 1)[1]
        Hub.large[self.path.rsplit("/", 1)[1]] = body
        self.answer({})

    def do_GET(self):
        Hub.requests.append(f"{self.command} {self.path}")
        path = self.path.split("?")[0]
        sha = "0" * 40
        if found := re.match(r"(?:/api/models)?/([^/]+/[^/]+)", path):
            is_known = self.headers.get("Authorization") == f"Bearer {TOKEN}"
            if Hub.private.get(found[1]) and not is_known:
                return self.answer({"error": "Repository not found"}, 401, [("X-Error-Code", "RepoNotFound")])
        if re.fullmatch(r"/api/models/[^/]+/[^/]+/revision/(?!main$|v1$|feature%2Fx$).*", path):
            return self.answer({"error": "no such revision"}, 404, [("X-Error-Code", "RevisionNotFound")])
        if found := re.fullmatch(r"/api/models/([^/]+/[^/]+)(/revision/[^/]+)?", path):
            if found[1] not in Hub.repos:
                return self.answer({"error": "Repository not found"}, 404, [("X-Error-Code", "RepoNotFound")])
            siblings = [{"rfilename": name} for name in Hub.repos[found[1]]]
            return self.answer({"id": found[1], "sha": sha, "siblings": siblings, "private": False, "tags": []})
        if found := re.fullmatch(r"/api/models/([^/]+/[^/]+)/tree/[^/]+", path):
            entries = [
                {"type": "file", "path": name, "size": len(data), "oid": hashlib.sha1(data).hexdigest()}
                for name, data in Hub.repos[found[1]].items()
            ]
            return self.answer(entries)
        if found := re.fullmatch(r"/([^/]+/[^/]+)/resolve/[^/]+/(.+)", path):
            data = Hub.repos.get(found[1], {}).get(found[2])
            if data is None:
                return self.answer({}, 404, [("X-Error-Code", "EntryNotFound"), ("X-Repo-Commit", sha)])
            etag = hashlib.sha1(data).hexdigest()
            return self.answer(headers=[("ETag", f'"{etag}"'), ("X-Repo-Commit", sha)], raw=data)
        return self.answer({"error": "no such place"}, 404)

    do_HEAD = do_GET


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "tiny"
    assert main(["train", "sudoku4", "--out", str(out), *TINY]) == 0
    return out


@pytest.fixture
def hub(tmp_path):
    """The environment in which every Hub call goes to a server here."""
    Hub.repos, Hub.private, Hub.large, Hub.requests = {}, {}, {}, []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("HF_", "HUGGING"))}
    yield clean | {
        "HF_ENDPOINT": f"http://127.0.0.1:{server.server_port}",
        "HF_HOME": str(tmp_path / "hf"),
        "HF_TOKEN": TOKEN,
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
    }
    server.shutdown()
    server.server_close()
    thread.join()


def ponderling(args: list[str], env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "ponderling", *args], env=env, capture_output=True, text=True)


def test_what_is_pushed_loads_back_and_solves_alike(run, hub, tmp_path):
    pushed = ponderling(["push", str(run), "someone/tiny", "--private"], hub)
    assert pushed.returncode == 0, pushed.stderr
    assert "load it with ponderling.Solver.from_pretrained('hf:someone/tiny')" in pushed.stderr
    assert set(Hub.repos["someone/tiny"]) == {"README.md", "config.json", "model.safetensors"}
    assert Hub.private["someone/tiny"]
    best = (run / "best" / "model.safetensors").read_bytes()
    assert Hub.repos["someone/tiny"]["model.safetensors"] == best
    code = """
import json, sys, ponderling
puzzle = ponderling.get_task("sudoku4").load_default("test").tokens[0]
results = [ponderling.Solver.from_pretrained(name).solve(tokens=puzzle) for name in sys.argv[1:]]
print(json.dumps([[r.answer, r.steps, r.halt_probability] for r in results]))
"""
    loaded = subprocess.run(
        [sys.executable, "-c", code, "hf:someone/tiny", str(run)], env=hub, capture_output=True, text=True, cwd=tmp_path
    )
    assert loaded.returncode == 0, loaded.stderr
    one, other = json.loads(loaded.stdout)
    assert one == other
    again = ponderling(["push", str(run), "hf:someone/tiny"], hub)
    assert again.returncode == 0, again.stderr
    assert TOKEN not in pushed.stdout + pushed.stderr + again.stdout + again.stderr


def test_a_revision_is_asked_for_and_a_private_repository_is_opened_by_a_token(run, hub, tmp_path):
    assert ponderling(["push", str(run), "someone/tiny", "--private"], hub).returncode == 0
    question = "....1.3..4133..."
    solve = ["--json", "--early-exit"]

    def solved(name, env, *more):
        done = ponderling(["solve", name, question, *solve, *more], {**env, "HF_HOME": str(tmp_path / str(len(asked)))})
        asked.append(name)
        assert done.stderr.count("\n") <= 1, done.stderr
        assert TOKEN not in done.stderr
        return done.returncode, done.stderr

    asked = []
    bare = {key: value for key, value in hub.items() if key != "HF_TOKEN"}
    assert solved("hf:someone/tiny@v1", hub)[0] == 0
    assert any("/revision/v1" in request for request in Hub.requests)
    assert solved("hf:someone/tiny", bare, "--token", TOKEN)[0] == 0
    code, said = solved("hf:someone/tiny", bare)
    assert (code, said.startswith("ponderling: hf:someone/tiny: not to be had from the Hub: ")) == (2, True)
    code, said = solved("hf:someone/tiny@v2", hub)
    assert (code, said.startswith("ponderling: hf:someone/tiny@v2: not to be had from the Hub: ")) == (2, True)
    Hub.requests.clear()
    code, said = solved("someone/tiny", hub)
    assert (code, said) == (2, "ponderling: someone/tiny: no such folder; for the Hub type hf:someone/tiny\n")
    assert Hub.requests == []


def test_a_repository_is_served_under_its_own_name_or_another():
    assert names_of(("hf:owner/name@v1", "b=hf:owner/name@v2")) == {
        "name": "hf:owner/name@v1",
        "b": "hf:owner/name@v2",
    }
    assert names_of(("runs/lr=0.1",)) == {"lr=0.1": "runs/lr=0.1"}


def test_without_a_token_one_line_says_what_to_do(run, hub):
    env = {key: value for key, value in hub.items() if key != "HF_TOKEN"}
    done = ponderling(["push", str(run), "someone/tiny"], env)
    assert done.returncode == 2
    assert done.stderr == ("ponderling: no Hub token: run `hf auth login`, or set HF_TOKEN to a token that may write\n")
    assert not Hub.requests


def test_a_token_that_is_refused_is_not_shown_though_the_server_sends_it_back(run, hub):
    wrong = "hf_wrongwrongwrongwrong"
    done = ponderling(["push", str(run), "someone/tiny"], hub | {"HF_TOKEN": wrong})
    assert done.returncode == 1
    assert done.stderr.startswith("ponderling: someone/tiny: the Hub refused, or cannot be reached:")
    assert done.stderr.count("\n") == 1
    assert wrong not in done.stderr


def test_a_hub_that_is_not_there_is_one_line(run, hub):
    done = ponderling(["push", str(run), "someone/tiny"], hub | {"HF_ENDPOINT": "http://127.0.0.1:9"})
    assert done.returncode == 1
    assert "cannot be reached" in done.stderr
    assert "Traceback" not in done.stderr


def test_mistakes_are_one_line(run, hub, tmp_path):
    for args, message in (
        (["push", str(tmp_path), "someone/tiny"], "expected a run folder or a folder with config.json"),
        (["push", str(run), "tiny"], "a Hub repository is owner/name: got 'tiny'"),
        (["push", str(run), "hf:someone/tiny@v1"], "a Hub repository is owner/name: got 'someone/tiny@v1'"),
        (["push", str(run), "someone/--bad--"], "not a name that the Hub allows"),
    ):
        done = ponderling(args, hub)
        assert done.returncode == 2, done.stderr
        assert message in done.stderr
        assert done.stderr.count("\n") == 1


def test_the_card_tells_the_run_and_its_test_figures(run, tmp_path, capsys):
    test = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()][-1]
    assert test["kind"] == "test"
    card = make_card(load_checkpoint(find_local(run)), "someone/tiny")
    assert f"| exact match | {test['exact']:.1%} | {test['early_exit']['exact']:.1%} |" in card
    assert "20 test puzzles that it was neither trained on nor chosen by" in card
    assert 'Solver.from_pretrained("hf:someone/tiny")' in card
    assert "`ponderling solve hf:someone/tiny PUZZLE --watch`" in card
    assert card.count("# tiny: TRM for `sudoku4`") == 1
    assert "ponderling train sudoku4" in card
    assert str(run) not in card
    assert main(["push", str(run), "someone/tiny", "--card", str(tmp_path / "card.md")]) == 0
    assert (tmp_path / "card.md").read_text() == card
    assert "replacing" not in capsys.readouterr().err
    assert main(["push", str(run), "someone/tiny", "--card", str(tmp_path / "card.md")]) == 0
    assert f"{tmp_path / 'card.md'} is there already: replacing it\n" in capsys.readouterr().err
    last = make_card(load_checkpoint(find_local(run / "last")), "someone/tiny")
    assert "Not known: neither the checkpoint nor its run's log holds figures." in last


def test_a_saved_model_is_whole_and_loads_back_with_its_figures(run, tmp_path):
    checkpoint = load_checkpoint(run)
    folder = save_pretrained(checkpoint, tmp_path / "deep" / "tiny")
    assert sorted(file.name for file in folder.iterdir()) == ["README.md", "config.json", "model.safetensors"]
    assert [file.name for file in folder.parent.iterdir()] == ["tiny"]
    again = load_checkpoint(folder)
    assert again.config == checkpoint.config
    assert again.shape == checkpoint.shape
    assert (folder / "model.safetensors").read_bytes() == (run / "best" / "model.safetensors").read_bytes()
    assert (folder / "README.md").read_text() == make_card(checkpoint, "tiny")
    assert make_card(again, "tiny") == make_card(checkpoint, "tiny")
    assert "test puzzles that it was neither trained on nor chosen by" in make_card(again, "tiny")


def test_an_earlier_save_is_replaced_and_anything_else_is_not(run, tmp_path, monkeypatch):
    checkpoint = load_checkpoint(run)
    (tmp_path / "empty").mkdir()
    folder = save_pretrained(checkpoint, tmp_path / "empty")
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    with torch.no_grad():
        checkpoint.model.halt_head.weight.add_(1)
    with monkeypatch.context() as patch:
        patch.setattr("ponderling.exchange.hub.make_card", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            save_pretrained(checkpoint, folder)
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before
    assert list(tmp_path.iterdir()) == [folder]
    save_pretrained(checkpoint, folder)
    assert (load_checkpoint(folder).model.halt_head.weight == checkpoint.model.halt_head.weight).all()
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(FileExistsError, match=r"holds something else, such as notes.txt: choose a new folder"):
        save_pretrained(checkpoint, folder)
    with pytest.raises(FileExistsError, match="is a file: name a folder to save the model in"):
        save_pretrained(checkpoint, folder / "notes.txt")
    with pytest.raises(FileExistsError, match="holds something else, such as best"):
        save_pretrained(checkpoint, run)


def test_a_model_can_be_pushed_from_python(run, hub):
    code = """
import sys
from ponderling.checkpoint import load_checkpoint
from ponderling.exchange.hub import push_to_hub
checkpoint = load_checkpoint(sys.argv[1])
print(push_to_hub(checkpoint, "someone/tiny", private=True, dry=len(sys.argv) > 2), end="")
"""
    card = make_card(load_checkpoint(run), "someone/tiny")
    run_code = [sys.executable, "-c", code, str(run)]
    dry = subprocess.run([*run_code, "dry"], env=hub, capture_output=True, text=True)
    assert dry.stdout == card, dry.stderr
    assert not Hub.requests
    pushed = subprocess.run(run_code, env=hub, capture_output=True, text=True)
    assert pushed.stdout.endswith("/someone/tiny"), pushed.stderr
    assert Hub.private["someone/tiny"]
    assert set(Hub.repos["someone/tiny"]) == {"README.md", "config.json", "model.safetensors"}
    assert Hub.repos["someone/tiny"]["README.md"].decode() == card


def test_a_card_names_each_set_that_was_joined_once_and_of_files_the_name_alone(tmp_path):
    said = _data(f"jigsaws+jigsaws+{tmp_path}/mine.csv+hub")
    assert said == "the package's jigsaws of many layouts, the file `mine.csv`, the family's public data set"
