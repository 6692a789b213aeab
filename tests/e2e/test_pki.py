"""intragate pki: what it issues is good for OpenSSL, curl and nginx, and what it revokes is refused."""

import getpass
import json
import os
import pathlib
import shutil
import stat
import subprocess
import threading

import pytest

from gateway import run
from parts import child, end, free_port
from wire import eventually

SERIAL = 32


def pki(folder, verb, *words, code=0, env=None):
    done = run("pki", verb, "--dir", folder, *words, env=env)
    assert done.returncode == code, done.stdout + done.stderr
    return done


def made(folder, name, kind, *words):
    return json.loads(pki(folder, "issue", name, "--for", kind, "--json", *words).stdout)


def listed(folder):
    return json.loads(pki(folder, "list", "--json").stdout)


def openssl(*words, code=0, input=None):
    done = subprocess.run(["openssl", *map(str, words)], capture_output=True, text=True, input=input, timeout=60)
    assert code is None or (done.returncode == 0) == (code == 0), done.stdout + done.stderr
    return done.stdout + done.stderr


def verify(folder, name, purpose, *words, code=0):
    return openssl("verify", "-x509_strict", "-CAfile", folder / "ca.pem", "-CRLfile", folder / "crl.pem", "-crl_check",
                   "-purpose", purpose, *words, folder / "issued" / f"{name}.pem", code=code)


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    """One authority with a server, a client and a model."""
    folder = tmp_path_factory.mktemp("pki") / "ca"
    pki(folder, "init", "--name", "Test Authority")
    pki(folder, "issue", "--for", "server", "--ip", "127.0.0.1", "--ip", "::1", "--dns", "localhost", "gateway")
    made(folder, "dify", "client", "--uri", "spiffe://bank.example/dify")
    made(folder, "thief", "client")
    made(folder, "gpu1", "model", "--dns", "gpu1.bank.example", "--key", "rsa")
    return folder


# --- what is issued

def test_three_commands_make_what_openssl_accepts_strictly(authority):
    verify(authority, "gateway", "sslserver", "-verify_hostname", "localhost")
    verify(authority, "gateway", "sslserver", "-verify_ip", "::1")
    verify(authority, "dify", "sslclient")
    verify(authority, "gpu1", "sslserver", "-verify_hostname", "gpu1.bank.example")


def test_certificate_is_good_for_its_own_purpose_only(authority):
    """CWE-295: a stolen client certificate must not pose as a server, nor a server's as a client."""
    verify(authority, "gateway", "sslclient", code=1)
    verify(authority, "gpu1", "sslclient", code=1)
    verify(authority, "dify", "sslserver", code=1)
    verify(authority, "gateway", "sslserver", "-verify_hostname", "other.example", code=1)


def test_contents_are_what_rfc_5280_wants(authority):
    text = openssl("x509", "-in", authority / "issued/dify.pem", "-noout", "-text")
    for part in ("CA:FALSE", "Digital Signature", "TLS Web Client Authentication", "URI:spiffe://bank.example/dify",
                 "Authority Key Identifier", "Subject Key Identifier", "prime256v1", "ecdsa-with-SHA256", "CN = dify"):
        assert part in text, part
    assert "Key Encipherment" not in text
    ca = openssl("x509", "-in", authority / "ca.pem", "-noout", "-text")
    assert "CA:TRUE, pathlen:0" in ca and "Certificate Sign, CRL Sign" in ca
    model = openssl("x509", "-in", authority / "issued/gpu1.pem", "-noout", "-text")
    assert "Public-Key: (3072 bit)" in model and "Key Encipherment" in model


def test_serial_numbers_are_random_and_listed(authority):
    rows = listed(authority)["certificates"]
    serials = [row["serial"] for row in rows]
    assert len(set(serials)) == len(rows) >= 4 and {len(serial) for serial in serials} == {SERIAL}
    assert len({serial[:8] for serial in serials}) == len(rows), "they count up"
    for row in rows:
        file = authority / "issued" / f"{row['name']}.pem"
        if row["current"]:
            assert openssl("x509", "-in", file, "-noout", "-serial").strip().lower() == f"serial={row['serial']}"


def test_keys_are_their_owners_only(authority):
    def mode(path):
        return stat.S_IMODE(path.stat().st_mode)
    assert mode(authority) == mode(authority / "issued") == 0o700
    keys = [authority / "ca.key", *authority.glob("issued/*.key")]
    assert len(keys) >= 5 and {mode(key) for key in keys} == {0o600}
    assert mode(authority / "ca.pem") == mode(authority / "crl.pem") == 0o644


def test_key_that_others_can_read_is_not_used(tmp_path):
    """CWE-732."""
    folder = tmp_path / "ca"
    pki(folder, "init")
    (folder / "ca.key").chmod(0o644)
    done = pki(folder, "issue", "x", "--for", "client", code=1)
    assert "chmod 600" in done.stderr and list(folder.glob("issued/*")) == []


def test_nothing_is_ever_overwritten_unasked(authority):
    def everything():
        return {path: path.read_bytes() for path in authority.rglob("*") if path.is_file()}
    before = everything()
    assert "nothing was changed" in pki(authority, "init", code=1).stderr
    assert "nothing was changed" in pki(authority, "issue", "dify", "--for", "client", code=1).stderr
    (authority / "issued/stray.key").write_text("somebody's")
    assert "stray.key" in pki(authority, "issue", "stray", "--for", "client", code=1).stderr
    assert (authority / "issued/stray.key").read_text() == "somebody's"
    after = everything()
    assert all(after[path] == content for path, content in before.items() if path.name != "index.txt")


@pytest.mark.parametrize("words, reason", [
    (["../x", "--for", "client"], "name"), (["a/b", "--for", "client"], "name"), ([".hidden", "--for", "client"], "name"),
    (["x", "--for", "server"], "--dns or --ip"), (["x", "--for", "server", "--dns", "a,DNS:evil.example"], "no DNS name"),
    (["x", "--for", "server", "--dns", "-a.example"], "no DNS name"), (["x", "--for", "client", "--ip", "10.0.0"], "10.0.0"),
    (["x", "--for", "client", "--uri", "no uri"], "no URI"), (["x", "--for", "client", "--valid", "soon"], "--valid"),
    (["x", "--for", "client", "--valid", "0s"], "--valid"), (["x", "--for", "client", "--uri", "a://b,IP:1.2.3.4"], "no URI")])
def test_name_that_would_reach_further_is_refused(authority, words, reason):
    """CWE-22 for the files, CWE-88 for the arguments, CWE-295 for what a comma might add to a certificate."""
    before = sorted(authority.rglob("*"))
    done = pki(authority, "issue", *words, code=1)
    assert reason in done.stderr and sorted(authority.rglob("*")) == before


@pytest.mark.parametrize("words", [["issue", "x"], ["issue", "--for", "client"], ["issue", "x", "--for", "root"], [],
                                   ["revoke", "x", "--reason", "mood"], ["issue", "x", "--for", "client", "--nope"]])
def test_wrong_use_is_exit_code_2(tmp_path, words):
    assert run("pki", *words, cwd=tmp_path).returncode == 2
    assert list(tmp_path.iterdir()) == []


def test_certificate_never_outlives_its_authority(tmp_path):
    folder = tmp_path / "ca"
    pki(folder, "init", "--valid", "30d", "--key", "rsa")
    answer = made(folder, "x", "client")
    assert answer["expires"] == listed(folder)["authority"]["expires"]
    verify(folder, "x", "sslclient")


# --- PKCS#12 and the passphrase

def test_pkcs12_opens_with_the_passphrase_that_was_shown_once(authority):
    answer = made(authority, "laptop", "client", "--p12")
    file, passphrase = authority / "issued/laptop.p12", answer["pkcs12_passphrase"]
    assert len(passphrase) >= 40 and stat.S_IMODE(file.stat().st_mode) == 0o600
    opened = openssl("pkcs12", "-in", file, "-nodes", "-passin", f"pass:{passphrase}")
    assert opened.count("BEGIN CERTIFICATE") == 2 and "BEGIN PRIVATE KEY" in opened
    openssl("pkcs12", "-in", file, "-nodes", "-passin", "pass:wrong", code=1)
    for path in authority.rglob("*"):
        assert not path.is_file() or passphrase.encode() not in path.read_bytes(), path


def test_passphrase_protects_the_authority(tmp_path):
    folder, secret = tmp_path / "ca", tmp_path / "passphrase"
    secret.write_text("correct horse battery\n")
    secret.chmod(0o600)
    pki(folder, "init", "--passphrase-file", secret)
    assert "ENCRYPTED" in (folder / "ca.key").read_text()
    assert "has a passphrase" in pki(folder, "issue", "x", "--for", "client", code=1).stderr
    assert "does not open" in pki(folder, "issue", "x", "--for", "client", code=1,
                                  env={"INTRAGATE_PKI_PASSPHRASE": "wrong"}).stderr
    pki(folder, "issue", "x", "--for", "client", env={"INTRAGATE_PKI_PASSPHRASE": "correct horse battery"})
    pki(folder, "revoke", "x", "--passphrase-file", secret)
    assert "BEGIN PRIVATE KEY" in openssl("pkey", "-in", folder / "ca.key", "-passin", f"file:{secret}")
    listed(folder)  # needs none
    secret.chmod(0o644)
    assert "chmod 600" in pki(folder, "crl", "--passphrase-file", secret, code=1).stderr


# --- renewal, revocation

def test_renewal_keeps_the_names_and_changes_key_and_serial(authority):
    made(authority, "web", "server", "--dns", "web.example", "--ip", "10.1.2.3")
    old_key = (authority / "issued/web.key").read_bytes()
    old = listed(authority)["certificates"][-1]
    pki(authority, "renew", "web")
    assert (authority / "issued/web.key").read_bytes() != old_key
    verify(authority, "web", "sslserver", "-verify_hostname", "web.example")
    rows = {row["serial"]: row for row in listed(authority)["certificates"] if row["name"] == "web"}
    assert len(rows) == 2 and rows[old["serial"]]["state"] == "replaced" and not rows[old["serial"]]["current"]
    new = next(row for row in rows.values() if row["current"])
    assert new["names"] == old["names"] == ["DNS:web.example", "IP:10.1.2.3"] and new["state"] == "good"
    pki(authority, "renew", "web", "--revoke")
    rows = {row["serial"]: row for row in listed(authority)["certificates"]}
    assert rows[new["serial"]]["state"] == "revoked" and rows[new["serial"]]["reason"] == "superseded"
    verify(authority, "web", "sslserver")


def test_revoked_is_refused_and_said_only_once(tmp_path):
    folder = tmp_path / "ca"
    pki(folder, "init")
    serial = made(folder, "x", "client")["serial"]
    verify(folder, "x", "sslclient")
    pki(folder, "revoke", "x", "--reason", "key-compromise")
    assert "certificate revoked" in verify(folder, "x", "sslclient", code=1)
    text = openssl("crl", "-in", folder / "crl.pem", "-noout", "-text", "-CAfile", folder / "ca.pem")
    assert serial.upper() in text and "Key Compromise" in text and "verify OK" in text
    assert "has been revoked" in pki(folder, "revoke", "x", code=1).stderr
    assert "has been revoked" in pki(folder, "revoke", serial, code=1).stderr
    assert "issued nothing called" in pki(folder, "revoke", "nobody", code=1).stderr
    pki(folder, "renew", "x")  # back with another key
    verify(folder, "x", "sslclient")


def test_list_of_the_revoked_is_renewed_with_a_growing_number(tmp_path):
    folder = tmp_path / "ca"
    pki(folder, "init")
    first = listed(folder)["revocation_list"]
    answer = json.loads(pki(folder, "crl", "--valid", "7d", "--json").stdout)
    assert answer["number"] == first["number"] + 1 and answer["expires"] < first["expires"]
    assert "intragate pki crl" in pki(folder, "list").stderr  # a warning: it ends within 30 days
    text = openssl("crl", "-in", folder / "crl.pem", "-noout", "-text")
    assert text.split("X509v3 CRL Number:")[1].split("\n")[1].strip() == str(answer["number"])


# --- what the folder survives

def test_commands_at_once_lose_nothing(tmp_path):
    folder = tmp_path / "ca"
    pki(folder, "init")
    threads = [threading.Thread(target=made, args=(folder, f"c{number}", "client")) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {row["name"] for row in listed(folder)["certificates"]} == {f"c{number}" for number in range(6)}


def test_damaged_index_stops_everything_and_names_its_line(tmp_path):
    folder = tmp_path / "ca"
    pki(folder, "init")
    made(folder, "x", "client")
    index = folder / "index.txt"
    index.write_text(index.read_text()[:-9])
    for verb, words in (("list", []), ("revoke", ["x"]), ("issue", ["y", "--for", "client"])):
        assert "index.txt: line 4" in pki(folder, verb, *words, code=1).stderr
    assert not (folder / "issued/y.pem").exists()


def test_folder_without_an_authority_says_what_to_do(tmp_path):
    assert "intragate pki init" in pki(tmp_path, "list", code=1).stderr


# --- at work

NGINX = """
daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log; worker_processes 1; {user}
events {{ worker_connections 64; }}
http {{
  access_log off;
  client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  server {{
    listen 127.0.0.1:{port} ssl;
    ssl_certificate {pki}/issued/gateway.pem;
    ssl_certificate_key {pki}/issued/gateway.key;
    ssl_client_certificate {pki}/ca.pem;
    ssl_crl {pki}/crl.pem;
    ssl_verify_client on;
    location / {{ return 200 "$ssl_client_s_dn\\n"; }}
  }}
}}
"""


@pytest.fixture(scope="module")
def nginx(authority, tmp_path_factory):
    """A real nginx that asks for client certificates and knows who was revoked."""
    pki(authority, "revoke", "thief", "--reason", "key-compromise")
    program = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin")
    assert program, "nginx is not installed: run scripts/setup"
    folder, port = tmp_path_factory.mktemp("nginx"), free_port()
    user = f"user {getpass.getuser()};" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder, pki=authority, port=port, user=user))
    process = child([program, "-p", folder, "-e", folder / "error.log", "-c", folder / "nginx.conf"])
    eventually(lambda: (folder / "nginx.pid").exists() or process.poll() is not None, "nginx's start", 30)
    assert process.poll() is None, (folder / "error.log").read_text()
    yield port
    end(process)


def curl(authority, port, name=None, host="localhost"):
    words = ["curl", "-sS", "--max-time", "30", "--retry", "5", "--retry-connrefused", "--cacert", authority / "ca.pem"]
    if name:
        words += ["--cert", authority / "issued" / f"{name}.pem", "--key", authority / "issued" / f"{name}.key"]
    words += ["--resolve", f"{host}:{port}:127.0.0.1", f"https://{host}:{port}/"]
    done = subprocess.run(list(map(str, words)), capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout + done.stderr


def test_curl_and_nginx_know_each_other_by_these_files(authority, nginx):
    assert curl(authority, nginx, "dify") == (0, "CN=dify\n")


@pytest.mark.parametrize("name, words", [(None, "No required SSL certificate"), ("thief", "SSL certificate error"),
                                         ("gpu1", "SSL certificate error")])
def test_nginx_refuses_nobody_the_revoked_and_a_server(authority, nginx, name, words):
    code, text = curl(authority, nginx, name)
    assert code == 0 and words in text and "CN=" not in text


def test_curl_refuses_a_name_that_is_not_in_the_certificate(authority, nginx):
    code, text = curl(authority, nginx, "dify", host="other.example")
    assert code == 60 and "other.example" in text


def test_private_keys_are_in_no_output(authority):
    """CWE-532."""
    done = pki(authority, "issue", "quiet", "--for", "client")
    key = pathlib.Path(authority / "issued/quiet.key").read_text().split("\n")[1]
    assert key not in done.stdout + done.stderr + (authority / "index.txt").read_text()
