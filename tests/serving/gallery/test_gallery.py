"""The site that `zoo gallery` writes: its pages, links, sizes, and that nothing in it comes from elsewhere."""

import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest

from zoo.commands.gallery import gallery, gallery_lines
from zoo.errors import ZooError
from zoo.serving.exported_model import ExportedModel
from zoo.serving.gallery import build, web_runtime
from zoo.serving.gallery.web_runtime import FILES, INTEGRITY, VERSION, find_web_runtime, unpack

KINDS = ("image", "table", "text")
_MODULES = re.compile(r"""(?:from|import|new URL\()\s*["']([^"']+)["']""")
_OUTSIDE = re.compile(r"\b(?:https?|wss?)://|[\"']//[a-z0-9-]+\.")
_NAMESPACE = "http://www.w3.org/2000/svg"


class Page(HTMLParser):
    """The addresses in a page, and its policy."""

    def __init__(self, text):
        super().__init__()
        self.loaded, self.links, self.policy, self.scripts = [], [], "", 0
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        if tag == "a":
            self.links.append(found["href"])
        elif "src" in found or "href" in found:
            self.loaded.append(found.get("src") or found["href"])
        if tag == "meta" and found.get("http-equiv") == "Content-Security-Policy":
            self.policy = found["content"]
        self.scripts += tag == "script" and "src" not in found


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """Return a folder like that of the unpacked package, with small files."""
    folder = tmp_path_factory.mktemp("onnxruntime-web")
    (folder / "dist").mkdir()
    for name in FILES:
        (folder / "dist" / name).write_text("export {};\n")
    (folder / "package.json").write_text(json.dumps({"version": "9.8.7"}))
    return folder


@pytest.fixture(scope="module")
def files(tmp_path_factory, trained):
    """Return a folder of exported files."""
    folder = tmp_path_factory.mktemp("exported")
    for kind in KINDS:
        shutil.copytree(trained(kind).run / "export", folder / kind)
    return folder


@pytest.fixture(scope="module")
def site(tmp_path_factory, files, package):
    return gallery(files, tmp_path_factory.mktemp("sites") / "site", web_runtime=package)


def pages(site):
    return [site.folder / "index.html", *(site.folder / model["name"] / "index.html" for model in site.models)]


def test_each_file_has_a_page_that_the_list_leads_to(site, files):
    assert [Path(model["file"]).parent.name for model in site.models] == sorted(KINDS)
    assert json.loads((site.folder / "gallery.json").read_text())["models"] == site.models
    links = Page((site.folder / "index.html").read_text()).links
    assert sorted(links) == sorted(f"{model['name']}/index.html" for model in site.models)


def test_all_that_a_page_loads_is_there_and_nothing_comes_from_elsewhere(site):
    for path in pages(site):
        page = Page(path.read_text())
        for address in (*page.loaded, *page.links):
            assert address == "data:," or (path.parent / address).is_file(), address
        assert page.loaded and page.scripts == 0
        assert "default-src 'none'" in page.policy and "connect-src 'self'" in page.policy
        assert "unsafe-inline" not in page.policy and "http" not in page.policy
    own = [path for path in (site.folder / "assets").iterdir() if path.name not in FILES.values()]
    assert len(own) > 10
    for path in own:
        text = path.read_text()
        assert not _OUTSIDE.search(text.replace(_NAMESPACE, "")), path
        for address in _MODULES.findall(text) if path.suffix == ".js" else []:
            assert (path.parent / address).is_file(), f"{path}: {address}"


def test_the_script_knows_what_the_file_says_of_itself(site):
    for model in site.models:
        folder = site.folder / model["name"]
        facts = json.loads((folder / "model.json").read_text())
        exported = ExportedModel(folder / facts["file"])
        assert facts["signature"] == json.loads(exported.metadata["zoo.signature"])
        assert facts["sha256"] == facts["certified"]
        for key, tensors in (("inputs", exported.session.get_inputs()), ("outputs", exported.session.get_outputs())):
            found = [(each["name"], f"tensor({each['type']})", each["shape"]) for each in facts[key]]
            assert found == [(each.name, each.type, each.shape) for each in tensors]
        assert (folder / "sample.json").read_bytes() == Path(model["file"]).with_name("sample.json").read_bytes()


def test_a_page_says_card_certificate_and_recipe(site):
    text = (site.folder / site.models[0]["name"] / "index.html").read_text()
    certificate = json.loads(Path(site.models[0]["file"]).with_name("certificate.json").read_text())
    assert certificate["sha256"] in text and "on the test split" in text and "<h3>Input and output</h3>" in text
    assert f"on {certificate['samples']:,} examples of the test split" in text
    assert "optimizer:\n" in text
    assert "Cannot be tried" not in text


def test_sizes_are_those_of_the_files_and_a_page_beyond_the_limit_has_no_file(
    site, files, package, tmp_path, monkeypatch
):
    def weight(folder):
        return sum(path.stat().st_size for path in folder.iterdir())

    shared = weight(site.folder / "assets")
    for model in site.models:
        assert model["bytes"] == shared + weight(site.folder / model["name"]) < build.MAX_PAGE_BYTES
    largest = max(site.models, key=lambda model: model["bytes"])
    text = (site.folder / largest["name"] / "index.html").stat().st_size  # not counted before it is written
    monkeypatch.setattr(build, "MAX_PAGE_BYTES", largest["bytes"] - text - 1)
    small = gallery(files, tmp_path / "small", web_runtime=package)
    untried = [model for model in small.models if model["reason"]]
    assert len(untried) == 1 and "the page would load" in untried[0]["reason"]
    folder = small.folder / untried[0]["name"]
    assert not (folder / "model.onnx").exists() and not Page((folder / "index.html").read_text()).loaded[2:]
    assert untried[0]["reason"] in (folder / "index.html").read_text()
    assert any("1 of 3 cannot be tried" in line for line in gallery_lines(small))


def test_what_has_no_page_or_no_sample_is_said_and_counted(files, package, tmp_path):
    folder = tmp_path / "files"
    shutil.copytree(files, folder)
    for kind, name in (("table", "sample.json"), ("table", "sample.npz")):
        (folder / kind / name).unlink()
    damaged = folder / "image" / "model.onnx"
    damaged.write_bytes(damaged.read_bytes()[:-1])
    built = gallery(folder, tmp_path / "site", web_runtime=package)
    assert list(built.left_out) == [str(damaged)] and len(built.models) == 2
    lines = "\n".join(gallery_lines(built))
    assert "1 of 2 cannot be checked there" in lines and "1 ONNX files have no page" in lines
    page = next(model["name"] for model in built.models if not model["sample"])
    assert "no sample is beside the file" in (built.folder / page / "index.html").read_text()


def test_a_gallery_is_replaced_and_another_folder_is_not(files, package, tmp_path):
    site = tmp_path / "site"
    gallery(files / "image", site, web_runtime=package)
    built = gallery(files / "table", site, web_runtime=package)
    assert len([path for path in site.iterdir() if path.is_dir()]) == 2  # assets and one page
    assert len(built.models) == 1
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "letter.txt").write_text("dear")
    with pytest.raises(ZooError, match=r"expected a folder that is empty or holds a gallery"):
        gallery(files, mine, web_runtime=package)
    assert [path.name for path in tmp_path.iterdir()] in (["mine", "site"], ["site", "mine"])
    with pytest.raises(ZooError, match="found 0 other ONNX files"):
        gallery(mine, tmp_path / "none", web_runtime=package)


def test_names_and_texts_of_users_are_no_markup(site):
    from zoo.serving.gallery.pages import _render

    entry = {"title": "<b>x</b>", "name": "x", "reason": "<i>", "task": "t", "description": "<script>"}
    page = _render("index.html.j2", groups=[("t", [entry])], count=1, runtime="1")
    assert "<b>" not in page and "<script>" not in page and "<i>" not in page


def test_another_package_than_the_pinned_one_is_refused(tmp_path, monkeypatch):
    assert VERSION in web_runtime.URL and INTEGRITY.startswith("sha512-")
    with pytest.raises(ZooError, match="another package than the pinned one"):
        unpack(b"something else", tmp_path)
    assert not list(tmp_path.iterdir())

    def offline(*_, **__):
        raise OSError("no route to host")

    monkeypatch.setattr(web_runtime.urllib.request, "urlopen", offline)
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    said = []
    with pytest.raises(ZooError, match=r"no route to host.*npm pack.*--onnxruntime-web DIR"):
        find_web_runtime(None, said.append)
    assert len(said) == 1 and web_runtime.URL in said[0]
    with pytest.raises(ZooError, match="lacks"):
        find_web_runtime(tmp_path, said.append)
