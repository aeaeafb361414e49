"""The course of the filters: frames, their number, and their flags."""

from __future__ import annotations

import numpy as np
import pytest

from owlkit.inspection.filters import filter_tiles
from owlkit_widgets.filmstrip import Filmstrip, Frame

from .fake_net import CAFFENET, FakeSolver


class TestFilmstrip:
    def frame(self, iteration: int, weights: np.ndarray | None = None) -> Frame:
        given = np.random.default_rng(0).normal(size=(4, 1, 3, 3)) if weights is None else weights
        return Frame.of(iteration, given.astype(np.float32))

    def test_the_number_of_frames_is_bounded_and_they_lie_evenly(self) -> None:
        film = Filmstrip(most=8)
        frame = self.frame(0)
        for i in range(1000):
            film.add(Frame(i, frame.levels, frame.peaks, frame.health, frame.cosines))
        assert len(film.frames) <= 8
        assert (film.iters[0], film.iters[-1]) == (0, 999)
        gaps = np.diff(film.iters)[:-1]
        assert gaps.max() <= 2 * gaps.min()

    def test_an_older_frame_is_dropped(self) -> None:
        film = Filmstrip()
        for iteration in (5, 5, 3, 9):
            film.add(self.frame(iteration))
        assert film.iters == [5, 9]

    @pytest.mark.parametrize("inputs", [1, 3, 5])
    def test_levels_and_peaks_give_both_scales(self, inputs: int) -> None:
        weights = np.random.default_rng(1).normal(size=(4, inputs, 3, 3)).astype(np.float32)
        frame = self.frame(1, weights)
        own = frame.levels / 255
        assert np.abs(own - filter_tiles(weights, scale="own")).max() <= 0.5 / 255 + 1e-6
        gain = (frame.peaks / frame.peaks.max()).reshape(-1, *[1] * (own.ndim - 1))
        assert (
            np.abs(0.5 + (own - 0.5) * gain - filter_tiles(weights, scale="shared")).max() < 0.5 / 255 + 1e-6
        )
        sizes = 4 * frame.peaks.size + 4 * len(weights) + frame.levels.size
        assert len(frame.data) == sizes

    @pytest.mark.parametrize("inputs", [1, 3])
    def test_weights_of_0_or_that_are_no_numbers_are_pictures_too(self, inputs: int) -> None:
        dead = self.frame(1, np.zeros((20, inputs, 5, 5)))
        assert dead.row()["dead"] == list(range(20))
        assert set(dead.levels.ravel().tolist()) == {128}
        broken = self.frame(2, np.full((4, inputs, 5, 5), np.nan))
        assert broken.row()["broken"] == [0, 1, 2, 3]
        assert (broken.peaks == 0).all()

    def test_flags_are_those_of_show_filters(self) -> None:
        solver = FakeSolver(CAFFENET, (96, 3, 11, 11))
        weights = solver.goal.copy()
        weights[13] *= 0.001
        weights[62] = 1.1 * weights[26]
        row = self.frame(1, weights).row()
        assert row["dead"] == [13]
        assert [pair[:2] for pair in row["duplicates"]] == [[26, 62]]
        assert row["duplicates"][0][2] == pytest.approx(1)
