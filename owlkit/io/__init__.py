"""Files and records: weights, solver states, mean images, LMDB sets, transforms and prefetching."""
