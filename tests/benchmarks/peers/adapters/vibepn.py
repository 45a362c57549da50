"""vibepnd as ./build.sh made it, with the shipped plugins.toml; b dials a."""
import os
import shutil

import lab as L
from lab import Peer, sh

DIST = os.environ.get("VIBEPN_DIST", os.path.join(L.HERE, "..", "..", "..", "dist"))


class Adapter(Peer):
    NAME = "vibepn"

    def version(self):
        return sh(os.path.join(DIST, "bin", "vibepnd"), "--version", check=False).split("\n")[0]

    def prepare(self):
        # The daemon takes plugins only from a folder that nobody but root can write.
        self.dist = os.path.join(self.lab.work, "dist")
        shutil.copytree(DIST, self.dist)
        sh("chown", "-R", "0:0", self.dist)
        sh("chmod", "-R", "go-w", self.dist)
        ctl = os.path.join(self.dist, "bin", "vpnctl")
        ids = {}
        for s in "ab":
            d = self.dir[s]
            os.mkdir(d + "/state", 0o700)
            os.mkdir(d + "/run", 0o700)
            sh(ctl, "init", "--identity-only", "--name", s, "--cert", d + "/node.crt", "--key", d + "/node.key")
            ids[s] = next(w for w in sh(ctl, "fingerprint", "--cert", d + "/node.crt").split() if len(w) == 64)
        for s, o in ("ab", "ba"):
            d = self.dir[s]
            address = 'address = "%s:51820"\n' % self.lab.UNDERLAY[o] if s == "b" else ""
            with open(d + "/config.toml", "w") as f:
                f.write('listen = ["0.0.0.0:51820"]\nstate = "%s/state"\n\n'
                        '[identity]\ncert = "%s/node.crt"\nkey = "%s/node.key"\n\n'
                        '[control]\nsocket = "%s/run/vibepn.sock"\n\n'
                        '[[peers]]\nname = "%s"\n%sfingerprint = "%s"\nnetworks = ["bench"]\n\n'
                        '[networks.bench]\nprefix = "10.99.0.0/24"\naddress = "%s"\nexport = true\n'
                        % (d, d, d, d, o, address, ids[o], self.TUN[s]))
            os.chmod(d + "/config.toml", 0o600)

    def start(self, side):
        self.proc[side] = self.lab.spawn(
            side, [os.path.join(self.dist, "bin", "vibepnd"), "--config", self.dir[side] + "/config.toml",
                   "--plugins", os.path.join(self.dist, "plugins.toml")], log="vibepn")
