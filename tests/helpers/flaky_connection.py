"""A network connection on this machine that a test can break in the middle of a transfer."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

CHUNK = 1 << 20


class BreakableLink:
    """Forwards every connection to its `port` to a server, and no more bytes than it is allowed to.

    The bytes of all connections and both directions count. After the last one all connections are reset,
    and so is each later one, as if the server had gone down.
    """

    def __init__(self, server_port: int) -> None:
        self._server_port = server_port
        self._left: float = float("inf")
        self._open: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        listening = asyncio.start_server(self._connect, "127.0.0.1", 0, limit=CHUNK)
        self._listener = self._loop.run_until_complete(listening)
        self.port: int = self._listener.sockets[0].getsockname()[1]

    def break_after(self, n_bytes: int) -> None:
        self._call(self._allow, n_bytes)

    def mend(self) -> None:
        self._call(self._allow, float("inf"))

    def run(self) -> None:
        """Forwards until `stop`."""
        self._loop.run_forever()
        self._loop.run_until_complete(self._end_connections())
        self._loop.close()

    def stop(self) -> None:
        self._call(self._allow, 0)
        self._call(self._listener.close)
        self._loop.call_soon_threadsafe(self._loop.stop)

    def _call(self, function, *arguments) -> None:
        """Calls the function in the thread that forwards, and waits until that is done."""

        async def call() -> None:
            function(*arguments)

        asyncio.run_coroutine_threadsafe(call(), self._loop).result()

    def _allow(self, n_bytes: float) -> None:
        self._left = n_bytes
        if not n_bytes:
            for writer in self._open:
                writer.transport.abort()

    async def _end_connections(self) -> None:
        connections = asyncio.all_tasks() - {asyncio.current_task()}
        for connection in connections:
            connection.cancel()
        await asyncio.gather(*connections, return_exceptions=True)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ends = [writer]
        try:
            if self._left:
                server = await asyncio.open_connection("127.0.0.1", self._server_port, limit=CHUNK)
                ends.append(server[1])
                self._open.update(ends)
                await asyncio.gather(self._forward(reader, server[1]), self._forward(server[0], writer))
        except OSError:
            pass  # the server or one end is gone, or the link is broken
        finally:
            self._open.difference_update(ends)
            for end in ends:
                end.transport.abort()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(CHUNK):
            data = data[: int(min(self._left, len(data)))]
            self._left -= len(data)
            writer.write(data)
            await writer.drain()
            if not self._left:
                self._allow(0)
                return
        if writer.can_write_eof():
            writer.write_eof()


@contextmanager
def link_to(server_port: int) -> Iterator[BreakableLink]:
    """A link to the server on this port of this machine."""
    link = BreakableLink(server_port)
    thread = threading.Thread(target=link.run, daemon=True)
    thread.start()
    try:
        yield link
    finally:
        link.stop()
        thread.join()
