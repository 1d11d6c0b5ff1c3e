// What CUDA and cuBLAS say of the errors that simulate-cuda.c can give.
#include <cuda_runtime_api.h>

static const struct { int number; const char *words, *name; } errors[] = {
    {cudaSuccess, "no error", "cudaSuccess"},
    {cudaErrorMemoryAllocation, "out of memory", "cudaErrorMemoryAllocation"},
    {cudaErrorInsufficientDriver, "CUDA driver version is insufficient for CUDA runtime version", "cudaErrorInsufficientDriver"},
    {cudaErrorNoDevice, "no CUDA-capable device is detected", "cudaErrorNoDevice"},
    {cudaErrorInvalidDevice, "invalid device ordinal", "cudaErrorInvalidDevice"},
    {cudaErrorIllegalAddress, "an illegal memory access was encountered", "cudaErrorIllegalAddress"},
    {cudaErrorLaunchFailure, "unspecified launch failure", "cudaErrorLaunchFailure"},
}, productErrors[] = {
    {0, "success", "CUBLAS_STATUS_SUCCESS"},
    {1, "the library was not initialized", "CUBLAS_STATUS_NOT_INITIALIZED"},
    {3, "the resource allocation failed", "CUBLAS_STATUS_ALLOC_FAILED"},
    {13, "the function failed to launch on the GPU", "CUBLAS_STATUS_EXECUTION_FAILED"},
    {14, "an internal operation failed", "CUBLAS_STATUS_INTERNAL_ERROR"},
};
#define WORDS_OF(list, wanted, field, otherwise)                        \
  for (size_t i = 0; i < sizeof list / sizeof *list; i++)               \
    if (list[i].number == (int)wanted) return list[i].field;            \
  return otherwise
const char *cudaGetErrorString(cudaError_t error) { WORDS_OF(errors, error, words, "unrecognized error code"); }
const char *cudaGetErrorName(cudaError_t error) { WORDS_OF(errors, error, name, "unrecognized error code"); }
const char *simulatedStatusString(int status) { WORDS_OF(productErrors, status, words, "unknown error"); }
const char *simulatedStatusName(int status) { WORDS_OF(productErrors, status, name, "unknown error"); }
