// Rows of a table by number. Half precision cannot hold every number: they are given as sums are made, in float. One
// that is no row gives NaN.

// VEC values, which divide a row.
struct alignas(sizeof(T) * VEC) Run {
    T at[VEC];
};

__device__ __forceinline__ bool is_row(A number, int count) {
    return number >= 0 && number < count && number == A((int)number);
}

// n and width count runs.
KERNEL take(int n, IN(T) table, IN(A) numbers, OUT(T) out, int count, int width) {
    const Run* rows = reinterpret_cast<const Run*>(table);
    for (EACH(i, n)) {
        int item = i / width;
        A number = numbers[item];
        Run run;
        if (is_row(number, count)) {
            run = rows[(int)number * width + i - item * width];
        } else {
#pragma unroll
            for (int k = 0; k < VEC; k++) run.at[k] = T(A(NAN));
        }
        reinterpret_cast<Run*>(out)[i] = run;
    }
}

// Whoever comes first with a number adds the rows of all that have the same, in order: the same sum in every run.
KERNEL add(IN(A) numbers, IN(T) rows, INOUT(T) table, int items, int count, int width) {
    int item = blockIdx.x, c = blockIdx.y * blockDim.x + threadIdx.x;
    A number = numbers[item];
    if (c >= width || !is_row(number, count)) return;
    for (int i = 0; i < item; i++)
        if (numbers[i] == number) return;
    T* place = table + (int)number * width + c;
    A sum = *place;
    for (int i = item; i < items; i++)
        if (numbers[i] == number) sum += A(rows[i * width + c]);
    *place = T(sum);
}

// For very many items, where looking for equal ones takes longer than waiting for each other.
KERNEL add_in_any_order(int n, IN(A) numbers, IN(T) rows, INOUT(T) table, int count, int width) {
    for (EACH(i, n)) {
        int item = i / width;
        A number = numbers[item];
        if (is_row(number, count)) atomicAdd(table + (int)number * width + i - item * width, rows[i]);
    }
}
