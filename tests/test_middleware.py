import multiprocessing

from fleet_project.middleware import _new_name


def test_requests_have_names_of_their_own() -> None:
    names = [_new_name() for _ in range(1_000)]
    assert len(set(names)) == 1_000
    assert all(len(name) == 32 and int(name, 16) >= 0 for name in names)


def test_a_process_that_is_forked_gives_none_of_the_names_that_its_parent_has_ready() -> None:
    _new_name()
    with multiprocessing.get_context("fork").Pool(1) as child:
        there = child.apply(_names)
    assert not {*there} & {*_names()}


def _names() -> list[str]:
    return [_new_name() for _ in range(100)]
