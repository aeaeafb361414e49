"""Running on an NVIDIA GPU: its memory beside the host's, its stream, and the one door to CuPy."""
