from __future__ import annotations

import importlib
import sys
from fractions import Fraction

import numpy as np
import pytest
from rigs.refused_calls import refuses
from services.requirement import missing

from app.extras.exhaustive import KernelError, dice_candidates, kernel_name
from app.extras.exhaustive import kernels as kernels_module
from app.extras.exhaustive.comparison import prepare_comparison
from app.extras.exhaustive.kernels import KERNEL_VARIABLE, available_kernels, load_kernel
from app.extras.exhaustive.limits import make_limits


@pytest.fixture
def fresh_kernels():
    """Look for kernels anew, before and after."""
    kernels_module._all_kernels.cache_clear()
    yield
    kernels_module._all_kernels.cache_clear()


def test_every_kernel_here_is_one_that_the_tests_know(known_kernels):
    found = available_kernels()
    assert found == tuple(name for name in known_kernels if name in found)
    assert found[-1] == "numpy"


def test_the_fastest_kernel_is_used_unless_another_is_named(monkeypatch):
    monkeypatch.delenv(KERNEL_VARIABLE, raising=False)
    assert kernel_name() == available_kernels()[0]
    assert kernel_name("numpy") == "numpy"


def test_the_environment_names_the_kernel_of_auto(kernel, monkeypatch):
    monkeypatch.setenv(KERNEL_VARIABLE, kernel)
    assert kernel_name() == kernel


def test_an_argument_goes_before_the_environment(kernel, monkeypatch):
    monkeypatch.setenv(KERNEL_VARIABLE, "abacus")
    assert kernel_name(kernel) == kernel


def test_an_unknown_kernel_is_refused(monkeypatch):
    with pytest.raises(KernelError, match="choose one of"):
        kernel_name("abacus")
    monkeypatch.setenv(KERNEL_VARIABLE, "abacus")
    with pytest.raises(KernelError):
        kernel_name()


@pytest.mark.usefixtures("fresh_kernels")
def test_without_the_extension_numpy_compares(monkeypatch):
    monkeypatch.delenv(KERNEL_VARIABLE, raising=False)
    monkeypatch.setitem(sys.modules, "app.extras.exhaustive.c_kernel", None)
    assert available_kernels() == ("numpy",)
    one = np.ones((3, 2), dtype=np.uint64)
    assert len(dice_candidates(one, one, Fraction(1))) == 9


class TestExtension:
    """The extension checks what it is given, so that a mistake in Python cannot read beyond an array."""

    @pytest.fixture
    def extension(self):
        try:
            return importlib.import_module("app.extras.exhaustive._kernel")
        except ImportError:
            missing("the C kernel of the matching engine is not built")

    @pytest.fixture
    def arguments(self):
        words = np.ones((70, 2), dtype=np.uint64)
        comparison = prepare_comparison(words, words, make_limits(Fraction(1, 2), 128), 4)
        side, limits = comparison.left, comparison.limits
        blocks = np.zeros(2 * 4 * 64 + 16, dtype=np.uint32)
        start = -(blocks.ctypes.data // 4) % 16
        return [
            "portable",
            2,
            4,
            False,
            side.words,
            side.words,
            side.counts,
            side.counts,
            side.folded,
            blocks[start : start + 2 * 4 * 64],
            limits.largest_distance,
            limits.smallest_common,
            limits.smallest_partner,
            limits.largest_partner,
        ]

    def test_consistent_arrays_are_opened(self, extension, arguments):
        assert extension.count(extension.open(*arguments)) >= 0

    def bend(self, extension, arguments, index, value):
        """Check that an argument in the place of a good one is refused."""
        bent = [*arguments[:index], value, *arguments[index + 1 :]]
        with refuses(ValueError, index, match="contradict"):
            extension.open(*bent)

    def test_an_array_that_is_too_short_is_refused(self, extension, arguments):
        for index in range(4, 14):
            self.bend(extension, arguments, index, arguments[index][:-1].copy())

    def test_sizes_that_do_not_fit_are_refused(self, extension, arguments):
        for index, value in ((0, "abacus"), (1, 0), (1, 65), (2, 0), (2, 5), (1, -1)):
            self.bend(extension, arguments, index, value)

    def test_counts_that_would_lead_out_of_a_table_are_refused(self, extension, arguments):
        for counts in ([-1] + [2] * 69, [2] * 69 + [129], [2] * 69 + [1]):
            self.bend(extension, arguments, 6, np.array(counts, dtype=np.int32))

    def test_an_unaligned_block_is_refused(self, extension, arguments):
        blocks = arguments[9]
        shifted = np.zeros(len(blocks) + 32, dtype=np.uint32)
        start = (-(shifted.ctypes.data // 4) % 16) + 1
        arguments[9] = shifted[start : start + len(blocks)]
        with pytest.raises(ValueError, match="contradict"):
            extension.open(*arguments)

    def test_an_array_that_begins_between_two_elements_is_refused(self, extension, arguments):
        for index in range(4, 14):
            self.bend(extension, arguments, index, between_elements(arguments[index]))

    def test_results_do_not_begin_between_two_elements(self, extension, arguments):
        opened = extension.open(*arguments)
        for index in range(3):
            results = [np.zeros(256, dtype=one) for one in (np.uint32, np.uint32, np.uint16)]
            results[index] = between_elements(results[index])
            with pytest.raises(ValueError, match="out of range"):
                extension.scan(opened, 0, 5, (0, 0, 0), *results)

    def test_nibbles_that_would_lead_out_of_the_table_are_refused(self, extension, arguments):
        if ("avx2", "nibbles") not in extension.instruction_sets():
            missing("the processor has no AVX2")
        arguments[0] = "avx2"
        arguments[8] = np.full((70, 4), 0xF0, dtype=np.uint8)
        arguments[9] = arguments[9].view(np.uint8)[: 2 * 4 * 64]
        extension.open(*arguments)
        arguments[8][69, 3] |= 1
        with pytest.raises(ValueError, match="contradict"):
            extension.open(*arguments)

    def test_a_scan_out_of_range_is_refused(self, extension, arguments):
        opened = extension.open(*arguments)
        for start, stop, n_left, n_common in (
            (0, 71, 256, 256),
            (-1, 5, 256, 256),
            (6, 5, 256, 256),
            (0, 5, 255, 255),
            (0, 5, 255, 256),
        ):
            left, right = (np.empty(n_left, dtype=np.uint32) for _ in range(2))
            common = np.empty(n_common, dtype=np.uint16)
            with pytest.raises(ValueError, match="out of range"):
                extension.scan(opened, start, stop, (0, 0, 0), left, right, common)

    def test_what_is_no_comparison_is_refused(self, extension):
        with pytest.raises(ValueError, match="PyCapsule"):
            extension.count(object())


def between_elements(array):
    """Return the same values, from an address that is no multiple of their size."""
    octets = np.zeros(array.nbytes + 1, dtype=np.uint8)
    moved = octets[1:].view(array.dtype).reshape(array.shape)
    moved[...] = array
    return moved


def test_every_kernel_leaves_its_input_alone(kernel):
    words = np.arange(200, dtype=np.uint64).reshape(100, 2)
    before = words.copy()
    dice_candidates(words, words, Fraction(1, 2), kernel=kernel)
    assert np.array_equal(words, before)


def test_kernels_say_how_finely_they_fold(kernel):
    assert load_kernel(kernel).fold_step in (1, 2)
