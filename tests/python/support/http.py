"""A server of files in memory, which counts what is asked of it."""

import http.server
import re
import threading

import pytest


class RangeHandler(http.server.BaseHTTPRequestHandler):
    """Serves bodies with range requests."""

    protocol_version = "HTTP/1.1"

    def setup(self):
        super().setup()
        with self.server.lock:
            self.server.connections += 1
            self.server.most_connections = max(self.server.most_connections,
                                               self.server.connections)

    def finish(self):
        with self.server.lock:
            self.server.connections -= 1
        super().finish()

    def do_HEAD(self):
        self.answer(send_body=False)

    def do_GET(self):
        self.answer(send_body=True)

    def answer(self, send_body):
        self.server.asked.append((self.path.lstrip("/"), self.command))
        body = self.server.bodies.get(self.path.lstrip("/"))
        status = 404 if body is None else self.server.failure
        if status:
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        asked = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        start, stop = 0, len(body)
        if asked:
            start, stop = int(asked[1]), min(int(asked[2]) + 1, len(body))
        self.send_response(206 if asked else 200)
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(stop - start))
        if asked:
            self.send_header("Content-Range", f"bytes {start}-{stop - 1}/{len(body)}")
        self.end_headers()
        if send_body:
            with self.server.lock:
                self.server.sent_bytes += stop - start
                self.server.requests += 1
            self.wfile.write(body[start:stop])

    def log_message(self, *_):
        pass


class RangeServer(http.server.ThreadingHTTPServer):
    request_queue_size = 1000  # what a client opens at once is to be counted, not delayed

    def __init__(self):
        super().__init__(("127.0.0.1", 0), RangeHandler)
        self.lock = threading.Lock()
        self.bodies = {}  # by name
        self.asked = []  # (name, method) of each request
        self.failure = None  # a status that answers everything
        self.sent_bytes = self.requests = self.connections = self.most_connections = 0

    def url(self, name):
        return f"http://127.0.0.1:{self.server_port}/{name}"

    def serve(self, path, name):
        """The name by which GDAL reads the file at `path` from this server."""
        with open(path, "rb") as file:
            self.bodies[name] = file.read()
        return "/vsicurl/" + self.url(name)

    def handle_error(self, *_):
        pass  # a client may go away


@pytest.fixture
def http_server():
    server = RangeServer()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()
