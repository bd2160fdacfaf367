"""How gunicorn serves the site; `gradschool serve` names this file to it.

Slow senders are a proxy's to hold off (docs/deploy.md). Here a connection that says nothing, or takes nothing, for
SILENCE seconds ends, so that none keeps a thread for good.
"""

from __future__ import annotations

import os
import shutil
import socket
import struct

from gunicorn.workers.gthread import TConn, ThreadWorker

from gradschool.office import environment
from gradschool.office.monitoring import logs

SILENCE = 60


class Worker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """Threads whose reads and writes end."""

    def enqueue_req(self, conn: TConn) -> None:
        """Before a thread takes the connection on."""
        for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            conn.sock.setsockopt(socket.SOL_SOCKET, option, struct.pack("ll", SILENCE, 0))
        super().enqueue_req(conn)


def count_from_zero() -> None:
    """Make an empty folder for the counts of requests: what an earlier start counted was scraped, or is of no use.

    prometheus_client reads its place from the environment when the site imports it, at once where gunicorn preloads:
    each process counts in files of this folder, and a look sums over them.
    """
    folder = environment.home() / "metrics"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700, parents=True)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)


count_from_zero()

worker_class = Worker
preload_app = True
timeout = 900  # a hand-in of a slow line has ten minutes
forwarded_allow_ips = ""  # what a proxy says is read by Django, where settings know whether there is one
control_socket_disable = True
logconfig_dict = logs.configuration(environment.log_form())
