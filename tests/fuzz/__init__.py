"""Readers are fed with damaged files: each gives its result or an OwlkitError, soon and in little memory.

    python -m tests.fuzz --minutes 10 [--readers caffemodel,datum] [--seed 1]

runs for longer than the tests do and writes what fails to a folder; such a file goes into `corpus/<reader>/`
with the fix, and is read by the tests from then on.
"""
