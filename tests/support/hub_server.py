"""A hub of Hugging Face on this machine: datasets and models as files by name, and the requests to it."""

import base64
import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_COMMIT = "0" * 40


class HubServer(http.server.ThreadingHTTPServer):
    """Serves files, the bytes of each by name, by the owner/name of their dataset or model.

    What is sent to a model is kept among its files.
    """

    def __init__(
        self, datasets: dict[str, dict[str, bytes]], models: dict[str, dict[str, bytes]] | None = None
    ) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.datasets = datasets
        self.models = {} if models is None else models
        self.authorizations: list[str | None] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Answer(http.server.BaseHTTPRequestHandler):
    """The few answers that the libraries need to stream a dataset, and to read and write a model."""

    server: HubServer

    def do_GET(self) -> None:
        self.server.authorizations.append(self.headers.get("Authorization"))
        body = self._body(self.path.split("?")[0].strip("/").split("/"))
        self.send_response(404 if body is None else 200)
        if body is None:
            self.send_header("X-Error-Code", "EntryNotFound")
        self.send_header("X-Repo-Commit", _COMMIT)
        self.send_header("ETag", f'"{"a" * 40}"')
        self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body or b"")

    do_HEAD = do_GET  # noqa: N815

    def do_POST(self) -> None:
        self.server.authorizations.append(self.headers.get("Authorization"))
        sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        answer = json.dumps(self._answer(self.path.split("?")[0].strip("/").split("/"), sent)).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def _answer(self, parts: list[str], sent: bytes) -> dict:
        """What is answered to something that is sent to the parts of an address."""
        if parts[1:3] == ["repos", "create"]:
            made = json.loads(sent)
            name = f"{made.get('organization') or 'me'}/{made['name']}"
            self.server.models.setdefault(name, {})
            return {"url": f"{self.server.address}/{name}"}
        if "preupload" in parts:
            files = json.loads(sent)["files"]
            return {
                "files": [
                    {"path": file["path"], "uploadMode": "regular", "shouldIgnore": False} for file in files
                ]
            }
        if "commit" in parts:
            for line in sent.splitlines():
                operation = json.loads(line)
                if operation["key"] == "file":
                    value = operation["value"]
                    content = base64.b64decode(value["content"])
                    self.server.models["/".join(parts[2:4])][value["path"]] = content
            address = f"{self.server.address}/{'/'.join(parts[2:4])}/commit/{_COMMIT}"
            return {"success": True, "commitOid": _COMMIT, "commitUrl": address}
        return {"errors": [], "warnings": []}

    def _body(self, parts: list[str]) -> bytes | None:
        """What lies at the parts of an address, or None."""
        if "/".join(parts[:2]) in self.server.models and parts[2:3] == ["resolve"]:
            return self.server.models["/".join(parts[:2])].get("/".join(parts[4:]))
        api = parts[0] == "api"
        if parts[api : api + 1] != ["datasets"]:
            return None
        name, rest = "/".join(parts[api + 1 : api + 3]), parts[api + 3 :]
        files = self.server.datasets.get(name)
        if files is None:
            return None
        if not api:
            return files.get("/".join(rest[2:]))  # after "resolve" and the commit
        if rest[:1] == ["tree"]:
            inside = len(rest) == 2
            listed = [
                {"type": "file", "path": file, "size": len(files[file]), "oid": "a" * 40} for file in files
            ]
            return json.dumps(listed if inside else []).encode()
        return json.dumps(
            {"id": name, "sha": _COMMIT, "siblings": [{"rfilename": file} for file in files]}
        ).encode()

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


@contextmanager
def hub_serving(
    datasets: dict[str, dict[str, bytes]], models: dict[str, dict[str, bytes]] | None = None
) -> Iterator[HubServer]:
    """A server of these datasets and models while the context lasts."""
    with HubServer(datasets, models) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
