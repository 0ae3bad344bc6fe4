"""A hub of Hugging Face on this machine: datasets as files by name, and the requests that it was sent."""

import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_COMMIT = "0" * 40


class HubServer(http.server.ThreadingHTTPServer):
    """Serves files, the bytes of each by name, by the owner/name of their dataset."""

    def __init__(self, datasets: dict[str, dict[str, bytes]]) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.datasets = datasets
        self.authorizations: list[str | None] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Answer(http.server.BaseHTTPRequestHandler):
    """The few answers that the library `datasets` needs to stream a dataset."""

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

    def _body(self, parts: list[str]) -> bytes | None:
        """What lies at the parts of an address, or None."""
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
def hub_serving(datasets: dict[str, dict[str, bytes]]) -> Iterator[HubServer]:
    """A server of these datasets while the context lasts."""
    with HubServer(datasets) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
