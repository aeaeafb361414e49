// Copies of small tensors: rows of three numbers, the address that is read, the one that is written, and how many bytes,
// at most a block's share. Both addresses have 4-byte words: no kept value is narrower than half of one.

// A block takes a row. state: see masters/__init__.py; once a loss has stopped updates nothing is written. May be null.
KERNEL copy_rows(IN(long long) rows, IN(float) state) {
    if (state && state[5] != 0) return;
    const long long* row = rows + 3 * blockIdx.x;
    const unsigned* from = reinterpret_cast<const unsigned*>(row[0]);
    unsigned* to = reinterpret_cast<unsigned*>(row[1]);
    int bytes = (int)row[2], words = bytes / 4;
    for (int i = threadIdx.x; i < words; i += blockDim.x) to[i] = from[i];
    if (bytes % 4 && threadIdx.x == 0)  // an odd number of halves
        reinterpret_cast<unsigned short*>(to)[2 * words] = reinterpret_cast<const unsigned short*>(from)[2 * words];
}
