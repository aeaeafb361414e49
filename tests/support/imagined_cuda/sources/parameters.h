// Goes before kernels that are compiled for the imagined CUDA: how many bytes each parameter has, and whether it points.
#pragma once
struct Parameter {
    int nbytes, points;
};
template <class X> struct Points { static const int value = 0; };
template <class X> struct Points<X*> { static const int value = 1; };
template <class... Types> const Parameter* parameters_of(void (*)(Types...)) {
    static const Parameter found[] = {{(int)sizeof(Types), Points<Types>::value}..., {-1, 0}};
    return found;
}
#define PARAMETERS(name) \
    extern "C" const Parameter* parameters_##name() { return parameters_of(name); }
