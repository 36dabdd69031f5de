"""Places that processes fill: how long they stay empty after a death."""

from __future__ import annotations

import itertools

from sidecar_science.worker.supervising.post import Post


class Body:
    """Stands where a child stands."""

    def __init__(self, born):
        self.born = born


def lived(post, born, died):
    """Somebody filled the post, and died; when it is filled again."""
    post.take(Body(born))
    post.child = None
    post.rest(died)
    return post.due - died


def test_each_early_death_doubles_the_rest_up_to_half_a_minute():
    """From half a second."""
    post = Post()

    rests = [lived(post, 100.0, 101.0) for _ in range(9)]

    assert rests[:3] == [0.5, 1.0, 2.0]
    assert rests[-1] == 30.0
    assert all(later >= sooner for sooner, later in itertools.pairwise(rests))


def test_a_death_after_a_long_life_is_the_first_one():
    """What brought the others down is over."""
    post = Post()
    lived(post, 0.0, 1.0)
    lived(post, 2.0, 3.0)

    assert lived(post, 4.0, 15.0) == 0.5


def test_a_post_that_is_filled_is_not_filled_again():
    """Nobody is due there."""
    post = Post()
    post.take(Body(0.0))

    post.fill_at(1.0)

    assert post.due is None
