"""The two ends of `tests/bench/switches`: a model server that says which side it is, and clients that note every answer.

    switches_load.py serve SIDE [ADDRESS]         prints its port; / answers at once, /slow after 3 s, /sse in 61 events
    switches_load.py load PORT CLIENTS SECONDS    until then or until its input ends; prints one line a request

Both are processes of their own, end by themselves, and do nothing but this, so that what they see is the router's doing.
"""
import asyncio, random, sys, time

THINK_S = 0.008
SLOW_S, EVENTS, EVENT_S = 3.0, 61, 0.05
# A process that was forgotten does not stay.
LONGEST_S = 600
PATIENCE_S = 10


class Model(asyncio.Protocol):
    """One connection of the model server."""

    def __init__(self, side):
        self.side, self.read, self.work = side, b"", None

    def connection_made(self, transport):
        self.out = transport

    def connection_lost(self, _):
        if self.work:
            self.work.cancel()

    def data_received(self, data):
        self.read += data
        # One request at a time: none of the routers here sends the next before the answer.
        head, end, _ = self.read.partition(b"\r\n\r\n")
        if not end:
            return
        self.read = b""
        first, *fields = head.split(b"\r\n")
        path, version = first.split()[1:3]
        lower = head.lower()
        close = b"connection: close" in lower or (version == b"HTTP/1.0" and b"keep-alive" not in lower)
        if path == b"/slow":
            self.work = asyncio.ensure_future(self.slow(close))
        elif path == b"/sse":
            self.work = asyncio.ensure_future(self.stream(version == b"HTTP/1.1"))
        else:
            self.answer(close)

    def answer(self, close):
        self.out.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: %d\r\n%s\r\n%s"
                       % (len(self.side), b"connection: close\r\n" if close else b"", self.side))
        if close:
            self.out.close()

    async def slow(self, close):
        await asyncio.sleep(SLOW_S)
        self.answer(close)

    async def stream(self, chunked):
        self.out.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n%s\r\n\r\n"
                       % (b"transfer-encoding: chunked" if chunked else b"connection: close"))
        for number in range(EVENTS):
            event = b"data: %s %d\n\n" % (self.side, number)
            self.out.write(b"%x\r\n%s\r\n" % (len(event), event) if chunked else event)
            await asyncio.sleep(EVENT_S)
        if chunked:
            self.out.write(b"0\r\n\r\n")
        else:
            self.out.close()


async def serve(side, address="127.0.0.1"):
    server = await asyncio.get_running_loop().create_server(lambda: Model(side.encode()), address, 0, backlog=512)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.sleep(LONGEST_S)


class Client(asyncio.Protocol):
    """One keep-alive connection; it asks, waits for the whole answer, and never asks the same twice."""

    def __init__(self):
        self.answer, self.read, self.open = None, b"", True

    def connection_made(self, transport):
        self.out = transport

    def connection_lost(self, why):
        self.open = False
        self.end(f"{type(why).__name__ if why else 'closed'} -")

    def eof_received(self):
        self.open = False

    def end(self, told):
        if self.answer and not self.answer.done():
            self.answer.set_result(told)

    def data_received(self, data):
        self.read += data
        head, end, body = self.read.partition(b"\r\n\r\n")
        if not end:
            return
        length = [line.split(b":")[1] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        if not length or len(body) < int(length[0]):
            return
        self.read = b""
        if b"connection: close" in head.lower():
            self.open = False
        side = body.decode() if body in (b"blue", b"green") else "-"
        self.end(f"{head.split()[1].decode()} {side}")

    async def ask(self, request):
        self.answer = asyncio.get_running_loop().create_future()
        self.out.write(request)
        try:
            return await asyncio.wait_for(self.answer, PATIENCE_S)
        except asyncio.TimeoutError:
            self.open = False
            return "timeout -"


async def client(port, until, seen):
    """Asks again and again; a connection that the router closed while nothing was under way is no failure."""
    request = f"GET / HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\n\r\n".encode()
    connection = None
    while not until.is_set():
        began = time.time()
        try:
            if connection is None or not connection.open:
                if connection:
                    connection.out.abort()
                _, connection = await asyncio.get_running_loop().create_connection(Client, "127.0.0.1", port)
            told = await connection.ask(request)
        except OSError as error:
            connection, told = None, f"{type(error).__name__} -"
        seen.append(f"{began:.6f} {time.time():.6f} {told}")
        await asyncio.sleep(THINK_S * random.uniform(0.5, 1.5))


async def load(port, clients, seconds):
    until, seen, loop = asyncio.Event(), [], asyncio.get_running_loop()
    loop.call_later(min(float(seconds), LONGEST_S), until.set)
    loop.add_reader(sys.stdin, lambda: sys.stdin.buffer.read1() or until.set())
    await asyncio.gather(*(client(int(port), until, seen) for _ in range(int(clients))))
    loop.remove_reader(sys.stdin)
    sys.stdout.write("\n".join(seen) + "\n")


if __name__ == "__main__":
    asyncio.run({"serve": serve, "load": load}[sys.argv[1]](*sys.argv[2:]))
