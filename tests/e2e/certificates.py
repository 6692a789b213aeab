"""An authority of a test's own, made with the openssl command: certificates of every kind, and revocation lists."""

import datetime
import pathlib
import shutil
import subprocess
import tempfile

CONF = """
[ca]
default_ca = own
[own]
database = {folder}/index.txt
serial = {folder}/serial
crlnumber = {folder}/crlnumber
new_certs_dir = {folder}
certificate = {folder}/ca.pem
private_key = {folder}/ca.key
default_md = sha256
default_crl_days = 30
unique_subject = no
policy = any
[any]
commonName = supplied
"""
NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]


def openssl(*arguments, check=True, **options):
    return subprocess.run(["openssl", *map(str, arguments)], check=check, capture_output=True, text=True, timeout=60,
                          **options)


def moments(days):
    """So many days from now, as openssl wants to read them."""
    now = datetime.datetime.now(datetime.timezone.utc)
    return [(now + datetime.timedelta(days=day)).strftime("%Y%m%d%H%M%SZ") for day in days]


class Pair:
    """A certificate and its key, as files."""

    def __init__(self, certificate, key):
        self.certificate, self.key = str(certificate), str(key)

    def replace_by(self, other):
        """The files hold another pair from here on, one rename after the other, as tools that renew do it."""
        for mine, its in ((self.key, other.key), (self.certificate, other.certificate)):
            fresh = pathlib.Path(mine + ".new")
            shutil.copy(its, fresh)
            fresh.replace(mine)


class Authority:
    def __init__(self, name="Test CA"):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="ca-"))
        self.certificate = str(self.folder / "ca.pem")
        self._config, self._made = self.folder / "ca.conf", 0
        self._config.write_text(CONF.format(folder=self.folder))
        (self.folder / "index.txt").touch()
        (self.folder / "serial").write_text("01\n")
        (self.folder / "crlnumber").write_text("01\n")
        openssl("req", "-x509", *NEW_KEY, "-days", "30", "-subj", f"/CN={name}", "-keyout", self.folder / "ca.key",
                "-out", self.certificate, "-addext", "keyUsage=critical,keyCertSign,cRLSign")

    def issue(self, name, names="", usage="clientAuth", days=(-1, 10)):
        """`names` as openssl writes them: DNS:localhost,URI:spiffe://a/b. `days`: valid from and to, from now."""
        self._made += 1
        base = self.folder / f"made{self._made}"
        pair = Pair(f"{base}.pem", f"{base}.key")
        openssl("req", *NEW_KEY, "-subj", f"/CN={name}", "-keyout", pair.key, "-out", f"{base}.csr")
        extensions = f"extendedKeyUsage={usage}\n" + (f"subjectAltName={names}\n" if names else "")
        pathlib.Path(f"{base}.ext").write_text(extensions)
        first, last = moments(days)
        openssl("ca", "-config", self._config, "-batch", "-notext", "-in", f"{base}.csr", "-out", pair.certificate,
                "-startdate", first, "-enddate", last, "-extfile", f"{base}.ext")
        return pair

    def server(self, **options):
        return self.issue("localhost", "DNS:localhost,IP:127.0.0.1", "serverAuth", **options)

    def revoke(self, pair):
        openssl("ca", "-config", self._config, "-revoke", pair.certificate)

    def write_crl(self, path, days=None):
        """`days`: made and next update, from now."""
        fresh = pathlib.Path(f"{path}.new")
        dates = []
        if days:
            made, due = moments(days)
            dates = ["-crl_lastupdate", made, "-crl_nextupdate", due]
        openssl("ca", "-config", self._config, "-gencrl", *dates, "-out", fresh)
        fresh.replace(path)

    def close(self):
        shutil.rmtree(self.folder, ignore_errors=True)
