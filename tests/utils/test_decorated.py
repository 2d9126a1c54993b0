from zoo.utils.decorated import decorated_functions

SOURCE = '''
raise RuntimeError("the file is read, not imported")

@register(tasks=("a", "b"), input_shape=(None, 3), outputs=10)
@other
def first():
    """One line.

    More.
    """

@other(x=1)
def second():
    """Another decorator."""

@register()
def third():
    pass

def fourth():
    @register(tasks=())
    def inside():
        pass
'''


def test_decorated_functions_are_read_from_the_text(tmp_path):
    path = tmp_path / "family.py"
    path.write_text(SOURCE, encoding="utf-8")
    first, third = decorated_functions(path, "register")
    assert (first.name, first.summary) == ("first", "One line.")
    assert first.arguments == {"tasks": ("a", "b"), "input_shape": (None, 3), "outputs": 10}
    assert (third.name, third.summary, third.arguments) == ("third", "", {})
