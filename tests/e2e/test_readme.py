"""The documents say what is true: the READMEs' commands work as they stand there, both languages are in step, and links,
paths and functions that documents name exist.

A code block in a README is run because a comment `<!-- test: NAME -->` stands above it.
"""

import os
import pathlib
import re
import shlex
import signal
import subprocess
import urllib.error
import urllib.request

import pytest

import parts
from gateway import ROOT, binary, environment
from wire import PATIENCE, eventually

READMES = ["README.md", "README.zh-CN.md"]
MARKED = re.compile(r"<!-- test: (\w+) -->\n```\w+\n(.*?)^```", re.DOTALL | re.MULTILINE)
FENCED = re.compile(r"^```(\w*)\n(.*?)^```", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")


def documents():
    """Every Markdown file of the repository, without what was built or installed."""
    left_out = {"build", "node_modules", ".git", "data"}
    return sorted(path for path in ROOT.rglob("*.md") if not left_out & set(path.relative_to(ROOT).parts))


def read(name):
    return (ROOT / name).read_text(encoding="utf-8")


def marked(name):
    return dict(MARKED.findall(read(name)))


def without_code(text):
    return FENCED.sub("", text)


# ---- the commands --------------------------------------------------------------------------------------------------

@pytest.fixture
def folder(tmp_path):
    """A folder where build/release/intragate is the binary under test, as the README's reader has it."""
    release = tmp_path / "build" / "release"
    release.mkdir(parents=True)
    (release / "intragate").symlink_to(binary())
    return tmp_path


def shell(command, folder, **variables):
    return subprocess.run(["bash", "-euo", "pipefail", "-c", command], cwd=folder, env=environment(variables),
                          timeout=PATIENCE * 3, capture_output=True, text=True, check=False)


def is_listening(process, output):
    assert process.poll() is None, output.with_name("stderr").read_text()
    return re.search("^data in ", output.read_text(), re.MULTILINE) is not None  # the last line of the start


@pytest.mark.parametrize("readme", READMES)
def test_the_three_steps_to_your_own_model_work(readme, folder, model_factory):
    model = model_factory(models=["qwen2.5-7b"])
    blocks = marked(readme)
    address = f"127.0.0.1:{parts.free_port()}"  # 8080 may be somebody else's
    here = {"http://192.168.1.100:8080": model.url, "127.0.0.1:8080": address}
    for written in here:
        assert written in blocks["env"]
    for written, real in here.items():
        blocks = {name: text.replace(written, real) for name, text in blocks.items()}
    (folder / ".env").write_text(blocks["env"])
    with open(folder / "stdout", "w") as output, open(folder / "stderr", "w") as log:
        gateway = subprocess.Popen(["bash", "-c", "exec " + blocks["serve"]], cwd=folder, env=environment(),
                                   stdin=subprocess.DEVNULL, stdout=output, stderr=log)
    try:
        eventually(lambda: is_listening(gateway, folder / "stdout"), "the gateway's start")
        said = (folder / "stdout").read_text()
        assert f"listening on {address}\n" in said and "models: qwen2.5-7b\n" in said
        key, = re.findall(r"^api key: (sk-\S+)$", said, re.MULTILINE)
        asked = shell(blocks["ask"], folder, KEY=key)
        assert asked.stdout.rstrip().endswith("data: [DONE]"), asked
        call = model.wait_for_call()
        assert call.headers["authorization"] == "Bearer your-internal-token"
    finally:
        gateway.send_signal(signal.SIGTERM)
        assert gateway.wait(PATIENCE) == 0
    kept = "".join(path.read_text() for path in (folder / "data").rglob("*") if path.is_file())
    assert key not in kept + (folder / "stderr").read_text()


@pytest.mark.parametrize("readme", READMES)
def test_the_configuration_by_example_is_valid_and_can_be_explained(readme, folder):
    blocks = marked(readme)
    (folder / "intragate.yaml").write_text(blocks["yaml"])
    done = shell(blocks["validate"], folder)
    assert done.returncode == 0 and done.stderr == "", done  # no warning either
    assert "is valid" in done.stdout and "Qwen/Qwen2.5-7B-Instruct" in done.stdout


@pytest.mark.parametrize("readme", READMES)
def test_the_configuration_by_example_runs(readme, folder):
    blocks = marked(readme)
    port, admin = parts.free_port(), parts.free_port()  # those of the document may be somebody else's
    assert "0.0.0.0:8080" in blocks["yaml"]
    (folder / "intragate.yaml").write_text(
        blocks["yaml"].replace("0.0.0.0:8080", f"0.0.0.0:{port}") + f"admin: {{address: 127.0.0.1:{admin}}}\n")
    command = blocks["validate"] + "echo key=$DIFY_KEY\nexec " + blocks["run"]
    with open(folder / "stdout", "w") as output, open(folder / "stderr", "w") as log:
        gateway = subprocess.Popen(["bash", "-c", command], cwd=folder, env=environment(), stdin=subprocess.DEVNULL,
                                   stdout=output, stderr=log)
    try:
        eventually(lambda: is_listening(gateway, folder / "stdout"), "the gateway's start")
        said = (folder / "stdout").read_text()
        assert f"\nlistening on 0.0.0.0:{port}\n" in said
        key, = re.findall(r"^key=(sk-\w+)$", said, re.MULTILINE)
        request = urllib.request.Request(f"http://127.0.0.1:{port}/v1/models",
                                         headers={"Authorization": f"Bearer {key}"})
        with pytest.raises(urllib.error.HTTPError) as refused:  # the key is Dify's, and this is not Dify's host
            urllib.request.urlopen(request, timeout=PATIENCE)
        assert refused.value.code == 403 and b"address_not_allowed" in refused.value.read()
    finally:
        gateway.send_signal(signal.SIGTERM)
        assert gateway.wait(PATIENCE) == 0


def test_the_demo_answers_with_a_real_model():
    command = marked("README.md")["demo"]
    done = subprocess.run(["bash", "-c", command], cwd=ROOT, stdin=subprocess.DEVNULL, timeout=570,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "first token after" in done.stdout and "listening on 127.0.0.1:" in done.stdout


# ---- two languages, one document -----------------------------------------------------------------------------------

def uncommented(kind, block):
    """A code block without its comments, which are translated."""
    comment = r"(^|\s+)#.*$" if kind in ("sh", "yaml") else r"\A\Z"
    return re.sub(comment, "", block, flags=re.MULTILINE).strip()


def test_both_readmes_have_the_same_structure():
    english, chinese = map(read, READMES)
    levels = [re.findall(r"^#+(?= )", without_code(text), re.MULTILINE) for text in (english, chinese)]
    assert levels[0] == levels[1]
    rows = [len(re.findall(r"^\|", text, re.MULTILINE)) for text in (english, chinese)]
    assert rows[0] == rows[1]


def test_both_readmes_have_the_same_code():
    english, chinese = ([(kind, uncommented(kind, block)) for kind, block in FENCED.findall(read(name))]
                        for name in READMES)
    assert english == chinese
    assert list(marked(READMES[0])) == list(marked(READMES[1])) == ["demo", "env", "serve", "ask", "yaml", "validate", "run"]


def test_both_readmes_have_the_same_links():
    english, chinese = (LINK.findall(read(name)) for name in READMES)
    assert english[0] == READMES[1] and chinese[0] == READMES[0]
    assert sorted(english[1:]) == sorted(chinese[1:])


# ---- what documents name exists ------------------------------------------------------------------------------------

def anchors(path):
    """The anchors of a document's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", without_code(path.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path):
    dead = []
    for link in LINK.findall(without_code(path.read_text(encoding="utf-8"))):
        if re.match(r"\w+:", link):
            continue  # another site's affair
        target, _, anchor = link.partition("#")
        file = (path.parent / target).resolve() if target else path
        if not file.exists() or (anchor and anchor not in anchors(file)):
            dead.append(link)
    assert not dead


TOP = "src|scripts|docs|tests|bench|fuzz|examples|deploy"


@pytest.mark.parametrize("path", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_files_that_are_named_exist(path):
    named = re.findall(rf"`((?:{TOP})/[\w./-]+)[` ]", path.read_text(encoding="utf-8"))
    assert [name for name in named if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("path", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_scripts_in_code_blocks_can_be_run(path):
    for kind, block in FENCED.findall(path.read_text(encoding="utf-8")):
        for line in block.splitlines() if kind in ("sh", "") else ():
            words = shlex.split(line, comments=True) if kind == "sh" and not line.endswith("\\") else line.split()
            if words and re.match(r"(scripts|bench)/\w+$", words[0]):
                assert os.access(ROOT / words[0], os.X_OK), words[0]


def test_the_build_script_explains_itself():
    done = subprocess.run([ROOT / "scripts" / "build", "--help"], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "Usage: scripts/build" in done.stdout


def test_functions_of_the_trace_stand_where_it_says():
    steps = re.findall(r"\| `(\w+/\w+\.cpp)` `([\w:]+)\(\)` \|$", read("ARCHITECTURE.md"), re.MULTILINE)
    assert len(steps) > 15
    missing = []
    for file, function in steps:
        source = (ROOT / "src" / file).read_text()
        if not re.search(rf"\b{function}\(", source) and not re.search(rf"::{function}\(", source):
            missing.append(f"{file} {function}")
    assert not missing


def test_every_folder_of_the_source_is_in_the_architecture():
    text = read("ARCHITECTURE.md")
    folders = [path.name for path in pathlib.Path(ROOT / "src").iterdir() if path.is_dir()]
    assert [name for name in folders if f"`src/{name}/`" not in text] == []


def test_the_changelog_knows_this_version():
    version, = re.findall(r"^project\(intragate VERSION (\S+)", read("CMakeLists.txt"), re.MULTILINE)
    assert f"## {version}" in read("CHANGELOG.md")
