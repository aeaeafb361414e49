// The end of every loss: partial sums of costs, and of how many values count, made into one number, in fixed order.
// MODE as in LossParameter.NormalizationMode: 0 full, 1 valid, 2 batch size, 3 none. LOSS: the type of the loss.

KERNEL loss_total(int n, IN(A) costs, IN(A) counts, OUT(LOSS) loss, OUT(A) normalizer, A positions, A batch) {
    A sum = 0, valid = 0;
    for (int i = threadIdx.x; i < n; i += blockDim.x) {
        sum += costs[i];
        if (counts) valid += counts[i];
    }
    sum = block_all<Sum>(sum), valid = block_all<Sum>(valid);
    if (threadIdx.x) return;
    A by = MODE == 0 ? positions : MODE == 1 ? valid : MODE == 2 ? batch : A(1);
    by = by < 1 ? A(1) : by;  // a batch with nothing valid in it gives 0, not NaN
    loss[0] = LOSS(sum / by);
    normalizer[0] = by;
}
