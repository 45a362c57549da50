"""Two network namespaces joined by one veth pair, and the tools to use them."""
import os
import shutil
import signal
import subprocess
import time

HERE = os.path.dirname(os.path.abspath(__file__))
PEERS_DIR = os.environ.get("PEERS_DIR", "/tmp/vibepn-peers")
WORK_DIR = os.environ.get("BENCH_WORK", "/tmp/vibepn-bench")
CONGESTION = os.environ.get("BENCH_CC", "cubic")
LOCK_FILE = os.environ.get("BENCH_LOCK", "/tmp/vibepn-bench.lock")


def sh(*argv, check=True, **kw):
    return subprocess.run(argv, check=check, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, **kw).stdout


def find_binary(env, *globs):
    """A program: from the variable `env`, else newest match under PEERS_DIR, else PATH."""
    import glob
    if os.environ.get(env):
        return os.environ[env]
    for g in globs:
        if "/" in g:
            hits = sorted(h for h in glob.glob(os.path.join(PEERS_DIR, g)) if os.access(h, os.X_OK))
            if hits:
                return hits[-1]
        else:
            hit = shutil.which(g, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
            if hit:
                return hit
    raise FileNotFoundError("%s: set %s" % (globs[-1], env))


class Lab:
    """Namespaces `<tag>-a` and `<tag>-b`; `u0` in each is the underlay."""

    UNDERLAY = {"a": "10.200.77.1", "b": "10.200.77.2"}

    def __init__(self, tag):
        self.tag = tag
        self.ns = {s: "%s-%s" % (tag, s) for s in "ab"}
        self.work = os.path.join(WORK_DIR, tag)
        self.procs = []
        self.logs = []

    def __enter__(self):
        shutil.rmtree(self.work, ignore_errors=True)
        os.makedirs(self.work)
        for n in self.ns.values():
            subprocess.run(["ip", "netns", "del", n], stderr=subprocess.DEVNULL)
            sh("ip", "netns", "add", n)
        a, b = self.ns["a"], self.ns["b"]
        sh("ip", "-n", a, "link", "add", "u0", "type", "veth", "peer", "name", "u0", "netns", b)
        for s in "ab":
            n = self.ns[s]
            self.ip(s, "link", "set", "lo", "up")
            self.ip(s, "addr", "add", self.UNDERLAY[s] + "/24", "dev", "u0")
            self.run(s, "sysctl", "-qw", "net.ipv6.conf.u0.accept_dad=0", check=False)
            self.ip(s, "link", "set", "u0", "up")
            # iperf3 sets its algorithm once it is connected, and a default of bbr has then switched the socket's pacing
            # on for good. Reno does not pace, and is the one that a namespace may always have as its default.
            self.run(s, "sysctl", "-qw", "net.ipv4.tcp_congestion_control=reno")
        return self

    def __exit__(self, *exc):
        for p in list(self.procs):
            self.stop(p)
        for f in self.logs:
            f.close()
        for n in self.ns.values():
            subprocess.run(["ip", "netns", "del", n], stderr=subprocess.DEVNULL)

    # -- commands -----------------------------------------------------------
    def ip(self, side, *args, check=True):
        return sh("ip", "-n", self.ns[side], *args, check=check)

    def run(self, side, *argv, check=True, **kw):
        return sh("ip", "netns", "exec", self.ns[side], *argv, check=check, **kw)

    def spawn(self, side, argv, log=None, env=None, stdin=subprocess.DEVNULL, pipe=False):
        """Start a long-lived program in a namespace.  The returned pid is the
        program itself: `ip netns exec` replaces itself with it."""
        if pipe:
            out, err = subprocess.PIPE, subprocess.DEVNULL
        else:
            f = open(os.path.join(self.work, (log or "out") + "-" + side + ".log"), "ab")
            self.logs.append(f)
            out, err = f, subprocess.STDOUT
        p = subprocess.Popen(["ip", "netns", "exec", self.ns[side]] + list(argv), stdin=stdin,
                             stdout=out, stderr=err, env=dict(os.environ, **(env or {})),
                             text=pipe, cwd=self.work)
        self.procs.append(p)
        return p

    def stop(self, p, sig=signal.SIGTERM, wait=3.0):
        if p.poll() is None:
            p.send_signal(sig)
            try:
                p.wait(wait)
            except subprocess.TimeoutExpired:
                p.kill()
                p.wait()
        if p.stdout:
            p.stdout.close()
        if p in self.procs:
            self.procs.remove(p)

    # -- the underlay -------------------------------------------------------
    def segmentation(self, on):
        """Off: every packet crosses the veth at wire size, as on a NIC without TSO/USO."""
        v = "on" if on else "off"
        for s in "ab":
            self.run(s, "ethtool", "-K", "u0", "tso", v, "tx-udp-segmentation", v, check=False)

    def loss(self, percent):
        """Drop that share of the packets arriving on the underlay, each way."""
        for s in "ab":
            self.run(s, "nft", "add", "table", "inet", "loss")
            self.run(s, "nft", "delete", "table", "inet", "loss")
            if percent:
                self.run(s, "nft", "-f", "-", input=(
                    "table inet loss {\n chain in {\n  type filter hook prerouting priority -300;\n"
                    '  iifname "u0" numgen random mod 1000 < %d counter drop\n }\n}\n' % round(percent * 10)))

    def wait_link(self, side, name, timeout=10.0):
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            r = subprocess.run(["ip", "-n", self.ns[side], "link", "show", name],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            if r.returncode == 0:
                return
            time.sleep(0.005)
        raise TimeoutError("%s did not appear in %s" % (name, self.ns[side]))


class Peer:
    """What an adapter provides.  A subclass sets NAME and overrides what it needs."""

    NAME = None
    TUN = {"a": "10.99.0.1", "b": "10.99.0.2"}  # addresses inside the tunnel
    NOTE = ""

    def __init__(self, lab):
        self.lab = lab
        self.proc = {}
        self.dir = {}
        for s in "ab":
            self.dir[s] = os.path.join(lab.work, s)
            os.makedirs(self.dir[s], exist_ok=True)

    def version(self):
        return ""

    def prepare(self):
        """Keys and configuration for both nodes; not timed."""

    def start(self, side):
        """Launch and configure one node; return as soon as that node can carry traffic
        or come up by itself.  Timed.  Both nodes are started at once, on two threads."""

    def pids(self):
        return [p.pid for p in self.proc.values() if p.poll() is None]

    def kill(self, side):
        p = self.proc.pop(side, None)
        if p:
            self.lab.stop(p, signal.SIGKILL)

    def stop(self):
        for side in list(self.proc):
            self.lab.stop(self.proc.pop(side))
