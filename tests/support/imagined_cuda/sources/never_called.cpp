// What cuDNN looks for in the driver, and complains of where it is missing: it loads and launches its kernels by these,
// and here none of them runs. Without CUDA's header, which declares their parameters.
#define NEVER(name) \
    extern "C" __attribute__((visibility("default"))) int name() { return 801; }  // CUDA_ERROR_NOT_SUPPORTED

NEVER(cuCtxGetLimit)
NEVER(cuCtxPopCurrent)
NEVER(cuCtxPushCurrent)
NEVER(cuKernelGetAttribute)
NEVER(cuKernelSetAttribute)
NEVER(cuLaunchCooperativeKernel)
NEVER(cuLaunchKernelEx)
NEVER(cuLibraryGetKernel)
NEVER(cuLibraryLoadData)
NEVER(cuLibraryLoadFromFile)
NEVER(cuLibraryUnload)
NEVER(cuLinkAddData)
NEVER(cuLinkComplete)
NEVER(cuLinkCreate)
NEVER(cuLinkDestroy)
NEVER(cuOccupancyMaxPotentialClusterSize)
NEVER(cuStreamGetCtx)
