"""One module for each kernel family, with its `CASES`; `test_implementations.py` runs them all."""
