"""ssh's ProxyCommand for a stand-in: connects to its sshd and passes bytes on, both ways.

Run in the stand-in's network (nsenter). Killed it is a broken connection, stopped (SIGSTOP) a
network that has gone silent.
"""

import os
import socket
import sys
import threading

sshd = socket.create_connection(("127.0.0.1", 22))


def up() -> None:
    while data := os.read(0, 65536):
        sshd.sendall(data)
    sshd.shutdown(socket.SHUT_WR)


threading.Thread(target=up, daemon=True).start()
while data := sshd.recv(65536):
    view = memoryview(data)
    while view:
        view = view[os.write(1, view) :]
sys.stdout.flush()
os._exit(0)
