"""How the gateway is started: ending with us however we end, and with a host name that the harness can take away.

For the name the gateway runs in a mount namespace of its own in which /etc/hosts is a file of the run (and names that are not in it
are asked of nobody: a resolver on loopback that does not exist). Needs the right to make mounts; without it the run
goes on with addresses only.
"""

import subprocess

from .settings import NAMED_HOST

PLAIN = """#!/bin/sh
exec setpriv --pdeathsig TERM "{binary}" "$@"
"""
WITH_NAMES = """#!/bin/sh
exec unshare --mount --propagation private sh -c '
  mount --bind "{folder}/hosts" /etc/hosts && mount --bind "{folder}/resolv.conf" /etc/resolv.conf || exit 70
  exec setpriv --pdeathsig TERM "{binary}" "$@"' intragate "$@"
"""


def launcher(folder, binary, names=None):
    """A program to start in the gateway's place; it becomes the gateway, with the same process id."""
    path = folder / "intragate"
    path.write_text((WITH_NAMES if names else PLAIN).format(folder=folder, binary=binary))
    path.chmod(0o755)
    return path


def possible():
    """Whether this user may make a mount namespace and mounts in it."""
    done = subprocess.run(["unshare", "--mount", "--propagation", "private", "mount", "--bind", "/etc/hosts", "/etc/hosts"],
                          capture_output=True, check=False)
    return done.returncode == 0


class Names:
    def __init__(self, folder, model):
        self.model, self._hosts = model, folder / "hosts"
        self.restore()
        (folder / "resolv.conf").write_text("nameserver 127.0.0.1\noptions attempts:1 timeout:1\n")

    def restore(self):
        self._hosts.write_text(f"127.0.0.1 localhost\n127.0.0.1 {NAMED_HOST}\n")

    def remove(self):
        """In place: the mount is of this very file."""
        self._hosts.write_text("127.0.0.1 localhost\n")
