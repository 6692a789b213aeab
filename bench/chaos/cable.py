"""A network namespace for one room, and the cable that leads there: a veth pair whose far end the harness can pull.

Where the forwarders of loopback answer a cut at once (refused, reset), a pulled cable says nothing at all: packets go
nowhere, acknowledgements stay out, and the kernels on both sides find out by their own timers. Needs root. Nothing is
left behind, however the run ends: namespace and cable live as long as a child that ends with us.
"""

import ctypes
import os
import socket
import subprocess
import threading

# 198.18.0.0/15 is set aside for tests of networks (RFC 2544): nobody's intranet is hidden by it.
NETWORK = "198.18.0.0/15"


class Cable:
    """Both ends, up. To be made in the thread whose end shall end it (see models.start_child)."""

    def __init__(self):
        pid = os.getpid()
        pair = 4 * (pid % 2**13)
        near, self.address = (f"198.18.{pair // 256}.{pair % 256 + n}" for n in (1, 2))
        self._near, self._far = f"room{pid}", f"far{pid}"
        self._child = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "unshare", "--net", "sh", "-c", "echo made; exec sleep infinity"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        try:
            if self._child.stdout.readline() != "made\n":
                raise OSError("no network namespace")
            self._namespace = f"/proc/{self._child.pid}/ns/net"
            _ip("link", "add", self._near, "type", "veth", "peer", "name", self._far, "netns", str(self._child.pid))
            _ip("address", "add", f"{near}/30", "dev", self._near)
            _ip("link", "set", self._near, "up")
            self._ip_inside("address", "add", f"{self.address}/30", "dev", self._far)
            self.plug()
        except BaseException:
            self.remove()
            raise

    def pull(self):
        """From now on no packet passes, either way. The near end stays: so does the route, and nothing leaves through another."""
        self._ip_inside("link", "set", self._far, "down")

    def plug(self):
        self._ip_inside("link", "set", self._far, "up")

    def socket(self):
        """A TCP socket that stands in the namespace. Only the thread that makes it goes there."""
        made = []

        def enter_and_make():
            libc = ctypes.CDLL(None, use_errno=True)
            with open(self._namespace, "rb") as namespace:
                if libc.setns(namespace.fileno(), 0) != 0:
                    return
            made.append(socket.socket())
        thread = threading.Thread(target=enter_and_make)  # and ends there: it never comes back
        thread.start()
        thread.join()
        if not made:
            raise OSError("cannot enter the room's network namespace")
        return made[0]

    def remove(self):
        self._child.kill()
        self._child.wait()
        self._child.stdout.close()

    def _ip_inside(self, *arguments):
        subprocess.run(["nsenter", f"--net={self._namespace}", "ip", *arguments], check=True, capture_output=True)


def _ip(*arguments):
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


def lay():
    """(a cable, or None; why there is none, as a sentence for people)."""
    missing = "a room's cable was not pulled: "
    if os.geteuid() != 0:
        return None, missing + "a network namespace needs root"
    try:
        return Cable(), ""
    except FileNotFoundError as error:
        return None, f"{missing}there is no `{error.filename}` (Debian: iproute2, util-linux)"
    except subprocess.CalledProcessError as error:
        return None, missing + error.stderr.decode(errors="replace").strip()
    except OSError as error:
        return None, f"{missing}{error}"
