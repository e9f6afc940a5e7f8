"""What the routers of `tests/bench/switches` have in common: calls, waits, and what a router is."""
import http.client, json, os, re, shutil, socket, time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PATIENCE_S = 10


def program(name):
    """CUTOVER_NAME, else what `tests/support/routers-setup target/routers` made, else the first in the PATH."""
    named = os.environ.get(f"CUTOVER_{name.upper()}")
    set_up = os.path.join(ROOT, "target/routers", name)
    return named or (set_up if os.path.exists(set_up) else shutil.which(name))


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as s:
        return s.getsockname()[1]


class Unix(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.host)


def call(at, method, path, body=None, headers=()):
    """One call of an admin interface at a port or a socket path: the body of the answer, which must be 2xx."""
    connection = Unix(at, timeout=PATIENCE_S) if isinstance(at, str) else http.client.HTTPConnection("127.0.0.1", at, timeout=PATIENCE_S)
    data = json.dumps(body) if isinstance(body, (dict, list)) else body
    kind = {"content-type": "application/json"} if data else {}
    connection.request(method, path, data, {**kind, **dict(headers)})
    answer = connection.getresponse()
    read = answer.read()
    connection.close()
    if answer.status // 100 != 2:
        raise RuntimeError(f"{method} {path}: {answer.status} {read[:200]!r}")
    return read


def until(holds, pause=0.001):
    end = time.monotonic() + PATIENCE_S
    while not holds():
        if time.monotonic() > end:
            raise RuntimeError(f"not so within {PATIENCE_S} s")
        time.sleep(pause)


def replace(path, text):
    with open(path + ".bare", "w") as file:
        file.write(text)
    os.rename(path + ".bare", path)


def page_block(page, language):
    """The first block of a language on a set-up page, whose path below src/backend is `page`."""
    with open(os.path.join(ROOT, "src/backend", page)) as file:
        return re.search(rf"```{language}\n(.*?)```", file.read(), re.S).group(1)


class Router:
    loses_nothing = False
    programs = ()
    versions = ()
    way = r"^kind = "

    def __init__(self, bench):
        """bench: .dir, .cutover, .ports (the side's name -> its model server), .spawn(command)."""
        self.bench, self.dir, self.ports, self.port = bench, bench.dir, bench.ports, free_port()

    def path(self, name):
        return os.path.join(self.dir, name)

    def write(self, name, text):
        with open(self.path(name), "w") as file:
            file.write(text)
        return self.path(name)

    def is_up(self):
        socket.create_connection(("127.0.0.1", self.port), 1).close()
