"""Commands in a process that has what the runtime installs and no other module: `python runtime_program.py JSON`."""

import contextlib
import io
import json
import sys
import urllib.request
from importlib.abc import MetaPathFinder
from importlib.machinery import BuiltinImporter, FrozenImporter, PathFinder


class OnlyInstalled(MetaPathFinder):
    """Find no module outside the standard library but those that the runtime brings."""

    def __init__(self, installed):
        self.installed = {*installed, *sys.stdlib_module_names}
        self.refused = set()

    def find_spec(self, name, path=None, target=None):
        package = name.partition(".")[0]
        if package not in self.installed and not package.startswith("_"):
            self.refused.add(package)
            return None
        return PathFinder.find_spec(name, path, target)


def command(arguments):
    """Run `zoo …`; return exit code, standard output and standard error."""
    from zoo import cli

    out, err, code = io.StringIO(), io.StringIO(), 0
    sys.argv = ["zoo", *arguments]
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            cli.main()
        except SystemExit as stop:
            code = stop.code or 0
    return [code, out.getvalue(), err.getvalue()]


def served(file, body, content_type):
    """Return whether a server is ready, and what it answers to one request."""
    from zoo.serving.server.app import create_app
    from zoo.serving.server.repository import Repository
    from zoo.serving.server.run import running

    app = create_app(Repository([f"model={file}"]))
    with running(app, host="127.0.0.1", port=0) as server:
        ready = urllib.request.urlopen(f"{server.url}/v2/health/ready").status
        urllib.request.urlopen(f"{server.url}/metrics").close()
        request = urllib.request.Request(
            f"{server.url}/predict/model", data=body.encode(), headers={"Content-Type": content_type}
        )
        with urllib.request.urlopen(request) as answer:
            return [ready, json.loads(answer.read())]


def public_names():
    """Return what each public name says where the runtime lacks it, and "" for those that it has."""
    import zoo

    said = {}
    for name in zoo.__all__:
        try:
            getattr(zoo, name)
            said[name] = ""
        except zoo.ZooError as error:
            said[name] = str(error)
    return said


if __name__ == "__main__":
    given = json.loads(sys.argv[1])
    finder = OnlyInstalled(given["installed"])
    sys.path.insert(0, given["sources"])
    sys.meta_path[:] = [BuiltinImporter, FrozenImporter, finder]
    found = {"commands": [command(arguments) for arguments in given["commands"]]}
    found["served"] = served(*given["served"])
    found["names"] = public_names()
    found["zoo"] = sys.modules["zoo"].__file__
    found["refused"] = sorted(finder.refused)
    print(json.dumps(found))
