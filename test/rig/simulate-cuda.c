// CUDA's runtime without a device, as far as ONNX Runtime's provider calls it: memory is given and copies are made,
// and both are counted; kernels are launched and compute nothing. Built by
// simulate-cuda.sh; what CUDA says of errors is in simulate-cuda-words.c.
#define _GNU_SOURCE
#include <cuda_runtime_api.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

// What a process may ask: "toDevice", "toHost" (bytes copied), "held" (bytes now), "launches", "misdirected" (copies
// whose direction is not that of their addresses).
enum { TO_DEVICE, TO_HOST, HELD, LAUNCHES, MISDIRECTED, COUNTERS };
static const char *const names[COUNTERS] = {"toDevice", "toHost", "held", "launches", "misdirected"};
static long long counters[COUNTERS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void count(int counter, long long more) { __atomic_add_fetch(&counters[counter], more, __ATOMIC_RELAXED); }

long long simulatedCudaCount(const char *name) {
  for (int i = 0; i < COUNTERS; i++)
    if (strcmp(names[i], name) == 0) return counters[i];
  return -1;
}

// Errors: the n-th call from now of one function fails, or with 0 every one. After an error of a kernel nothing works
// any more, as in CUDA.
static char failing[64];
static int callsLeft, callsAreCounted;
static cudaError_t failure, lastError, lost;

void simulatedCudaFail(const char *function, int calls, int error) {
  snprintf(failing, sizeof failing, "%s", function);
  callsLeft = callsAreCounted = calls;
  failure = error;
  lastError = lost = cudaSuccess;
}

static int isOfKernel(cudaError_t error) {
  return error == cudaErrorIllegalAddress || error == cudaErrorLaunchFailure;
}

static cudaError_t outcome(const char *function) {
  if (lost != cudaSuccess) return lastError = lost;
  pthread_mutex_lock(&lock);
  int fails = strcmp(function, failing) == 0 && (callsLeft == 0 || --callsLeft == 0);
  if (fails && callsAreCounted) failing[0] = 0;
  pthread_mutex_unlock(&lock);
  if (!fails) return cudaSuccess;
  if (isOfKernel(failure)) {
    lost = failure; // a launch tells nothing of it: the next call does
    return cudaSuccess;
  }
  return lastError = failure;
}

static long long setting(const char *name, long long otherwise) {
  const char *text = getenv(name);
  return text == NULL || *text == 0 ? otherwise : atoll(text);
}

__attribute__((constructor)) static void start(void) {
  const char *plan = getenv("CUDA_SIMULATED_FAIL"); // cudaMalloc:3:2 = the third cudaMalloc returns error 2
  char function[64];
  int calls, error;
  if (plan != NULL && sscanf(plan, "%63[^:]:%d:%d", function, &calls, &error) == 3)
    simulatedCudaFail(function, calls, error);
}

// Memory. A device's address is none of the host: who reads it there ends as with CUDA. Bytes lie in a shadow.
typedef struct Block { size_t at, size; struct Block *next; } Block;
static Block *blocks; // by address
static char *device, *shadow;

static size_t memorySize(void) { return (size_t)setting("CUDA_SIMULATED_MEMORY", 16LL << 30); }

static char *reserve(int protection) {
  return mmap(NULL, memorySize(), protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
}

static int isOnDevice(const void *address) {
  return device != NULL && (char *)address >= device && (char *)address < device + memorySize();
}

static void *place(const void *address) {
  return isOnDevice(address) ? shadow + ((char *)address - device) : (void *)address;
}

static cudaError_t allocate(void **result, size_t bytes) {
  size_t size = (bytes + 511) / 512 * 512, at = 0;
  pthread_mutex_lock(&lock);
  if (device == NULL) {
    device = reserve(PROT_NONE);
    shadow = reserve(PROT_READ | PROT_WRITE);
  }
  Block **link = &blocks;
  while (*link != NULL && (*link)->at - at < size) {
    at = (*link)->at + (*link)->size;
    link = &(*link)->next;
  }
  int fits = at + size <= memorySize();
  if (fits && size > 0) {
    Block *block = malloc(sizeof *block);
    *block = (Block){at, size, *link};
    *link = block;
    count(HELD, size);
  }
  pthread_mutex_unlock(&lock);
  *result = fits && size > 0 ? device + at : NULL;
  return fits ? cudaSuccess : (lastError = cudaErrorMemoryAllocation);
}

static cudaError_t release(void *address) {
  if (address == NULL) return cudaSuccess;
  cudaError_t found = cudaErrorInvalidValue;
  pthread_mutex_lock(&lock);
  for (Block **link = &blocks; *link != NULL; link = &(*link)->next) {
    Block *block = *link;
    if (device + block->at != address) continue;
    *link = block->next;
    madvise(shadow + block->at, block->size, MADV_DONTNEED);
    count(HELD, -(long long)block->size);
    free(block);
    found = cudaSuccess;
    break;
  }
  pthread_mutex_unlock(&lock);
  return found == cudaSuccess ? found : (lastError = found);
}

static cudaError_t copy(const char *function, void *to, const void *from, size_t bytes, enum cudaMemcpyKind kind) {
  cudaError_t error = outcome(function);
  if (error != cudaSuccess || bytes == 0) return error;
  enum cudaMemcpyKind real = isOnDevice(from) ? (isOnDevice(to) ? cudaMemcpyDeviceToDevice : cudaMemcpyDeviceToHost)
                                              : (isOnDevice(to) ? cudaMemcpyHostToDevice : cudaMemcpyHostToHost);
  if (kind != cudaMemcpyDefault && kind != real) count(MISDIRECTED, 1);
  if (real == cudaMemcpyHostToDevice) count(TO_DEVICE, bytes);
  if (real == cudaMemcpyDeviceToHost) count(TO_HOST, bytes);
  memmove(place(to), place(from), bytes);
  return cudaSuccess;
}

#define CALL(declaration, body) \
  cudaError_t declaration {     \
    cudaError_t error = outcome(__func__); \
    if (error == cudaSuccess) { body; } \
    return error; \
  }

CALL(cudaMalloc(void **result, size_t bytes), error = allocate(result, bytes))
CALL(cudaMallocFromPoolAsync(void **result, size_t bytes, cudaMemPool_t pool, cudaStream_t stream), error = allocate(result, bytes))
CALL(cudaMallocHost(void **result, size_t bytes), *result = aligned_alloc(4096, (bytes + 4095) / 4096 * 4096))
CALL(cudaHostAlloc(void **result, size_t bytes, unsigned flags), *result = aligned_alloc(4096, (bytes + 4095) / 4096 * 4096))
CALL(cudaFree(void *address), error = release(address))
CALL(cudaFreeAsync(void *address, cudaStream_t stream), error = release(address))
CALL(cudaFreeHost(void *address), free(address))
CALL(cudaMemset(void *to, int byte, size_t bytes), memset(place(to), byte, bytes))
CALL(cudaMemsetAsync(void *to, int byte, size_t bytes, cudaStream_t stream), memset(place(to), byte, bytes))
CALL(cudaMemGetInfo(size_t *unused, size_t *all), *all = memorySize(); *unused = memorySize() - counters[HELD])

cudaError_t cudaMemcpy(void *to, const void *from, size_t bytes, enum cudaMemcpyKind kind) {
  return copy(__func__, to, from, bytes, kind);
}
cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, enum cudaMemcpyKind kind, cudaStream_t stream) {
  return copy(__func__, to, from, bytes, kind);
}
cudaError_t cudaMemcpy2DAsync(void *to, size_t toPitch, const void *from, size_t fromPitch, size_t width, size_t height, enum cudaMemcpyKind kind, cudaStream_t stream) {
  for (size_t row = 0; row < height; row++) {
    cudaError_t error = copy(__func__, (char *)to + row * toPitch, (char *)from + row * fromPitch, width, kind);
    if (error != cudaSuccess) return error;
  }
  return cudaSuccess;
}
CALL(cudaMemcpyFromSymbol(void *to, const void *symbol, size_t bytes, size_t offset, enum cudaMemcpyKind kind),
     memset(place(to), 0, bytes); count(TO_HOST, bytes))
CALL(cudaPointerGetAttributes(struct cudaPointerAttributes *attributes, const void *address),
     memset(attributes, 0, sizeof *attributes);
     attributes->type = isOnDevice(address) ? cudaMemoryTypeDevice : cudaMemoryTypeUnregistered;
     attributes->devicePointer = (void *)address)

// Devices.
static __thread int current;
CALL(cudaGetDeviceCount(int *number), *number = (int)setting("CUDA_SIMULATED_DEVICES", 1); if (*number == 0) error = lastError = cudaErrorNoDevice)
CALL(cudaGetDevice(int *number), *number = current)
CALL(cudaSetDevice(int number), if (number < 0 || number >= setting("CUDA_SIMULATED_DEVICES", 1)) error = lastError = cudaErrorInvalidDevice; else current = number)
CALL(cudaDriverGetVersion(int *version), *version = CUDART_VERSION)
CALL(cudaRuntimeGetVersion(int *version), *version = CUDART_VERSION)
CALL(cudaGetDeviceProperties(struct cudaDeviceProp *properties, int number),
     memset(properties, 0, sizeof *properties);
     snprintf(properties->name, sizeof properties->name, "Simulated %d", number);
     properties->totalGlobalMem = memorySize();
     properties->major = 8;
     properties->warpSize = 32;
     properties->multiProcessorCount = 8;
     properties->maxThreadsPerBlock = properties->maxThreadsDim[0] = 1024;
     properties->maxThreadsPerMultiProcessor = 2048;
     properties->maxGridSize[0] = 2147483647;
     properties->maxGridSize[1] = properties->maxGridSize[2] = 65535;
     properties->sharedMemPerBlock = 49152;
     properties->sharedMemPerBlockOptin = properties->sharedMemPerMultiprocessor = 101376;
     properties->regsPerBlock = properties->regsPerMultiprocessor = 65536)

static int attributeOf(enum cudaDeviceAttr attribute) {
  switch (attribute) {
    case cudaDevAttrComputeCapabilityMajor: return 8;
    case cudaDevAttrWarpSize: return 32;
    case cudaDevAttrMultiProcessorCount: return 8;
    case cudaDevAttrMaxThreadsPerBlock: case cudaDevAttrMaxBlockDimX: return 1024;
    case cudaDevAttrMaxThreadsPerMultiProcessor: return 2048;
    case cudaDevAttrMaxSharedMemoryPerBlock: return 49152;
    case cudaDevAttrMaxSharedMemoryPerBlockOptin: return 101376;
    default: return 0;
  }
}
CALL(cudaDeviceGetAttribute(int *value, enum cudaDeviceAttr attribute, int number), *value = attributeOf(attribute))

// Streams, events, pools and graphs are names for nothing: all is done when it is asked for.
static void *token(void) { return malloc(1); }
CALL(cudaStreamCreate(cudaStream_t *stream), *stream = token())
CALL(cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned flags), *stream = token())
CALL(cudaStreamDestroy(cudaStream_t stream), free(stream))
CALL(cudaStreamIsCapturing(cudaStream_t stream, enum cudaStreamCaptureStatus *status), *status = cudaStreamCaptureStatusNone)
CALL(cudaEventCreate(cudaEvent_t *event), *event = token())
CALL(cudaEventCreateWithFlags(cudaEvent_t *event, unsigned flags), *event = token())
CALL(cudaEventDestroy(cudaEvent_t event), free(event))
CALL(cudaEventElapsedTime(float *milliseconds, cudaEvent_t begin, cudaEvent_t end), *milliseconds = 0)
CALL(cudaMemPoolCreate(cudaMemPool_t *pool, const struct cudaMemPoolProps *properties), *pool = token())
CALL(cudaMemPoolDestroy(cudaMemPool_t pool), free(pool))
CALL(cudaMemPoolGetAttribute(cudaMemPool_t pool, enum cudaMemPoolAttr attribute, void *value), memset(value, 0, 8))
CALL(cudaLaunchHostFunc(cudaStream_t stream, cudaHostFn_t function, void *data), function(data))

// Kernels.
static __thread struct { dim3 grid, block; size_t shared; cudaStream_t stream; } configuration;

unsigned __cudaPushCallConfiguration(dim3 grid, dim3 block, size_t shared, cudaStream_t stream) {
  configuration.grid = grid;
  configuration.block = block;
  configuration.shared = shared;
  configuration.stream = stream;
  return cudaSuccess;
}
cudaError_t __cudaPopCallConfiguration(dim3 *grid, dim3 *block, size_t *shared, void *stream) {
  *grid = configuration.grid;
  *block = configuration.block;
  *shared = configuration.shared;
  *(cudaStream_t *)stream = configuration.stream;
  return cudaSuccess;
}
static cudaError_t launch(void) {
  count(LAUNCHES, 1);
  return outcome("launch");
}
cudaError_t cudaLaunchKernel(const void *function, dim3 grid, dim3 block, void **arguments, size_t shared, cudaStream_t stream) { return launch(); }
cudaError_t __cudaLaunchKernel(cudaKernel_t kernel, dim3 grid, dim3 block, void **arguments, size_t shared, cudaStream_t stream) { return launch(); }
cudaError_t cudaLaunchCooperativeKernel(const void *function, dim3 grid, dim3 block, void **arguments, size_t shared, cudaStream_t stream) { return launch(); }
cudaError_t cudaLaunchKernelExC(const cudaLaunchConfig_t *config, const void *function, void **arguments) { return launch(); }
cudaError_t __cudaGetKernel(cudaKernel_t *kernel, const void *function) {
  *kernel = (cudaKernel_t)function;
  return cudaSuccess;
}
void **__cudaRegisterFatBinary(void *binary) { return token(); }
void __cudaRegisterFatBinaryEnd(void **handle) {}
void __cudaUnregisterFatBinary(void **handle) { free(handle); }
void __cudaRegisterFunction(void **handle, const char *host, char *name, const char *symbol, int threads, uint3 *tid, uint3 *bid, dim3 *block, dim3 *grid, int *warp) {}
void __cudaRegisterVar(void **handle, char *host, char *name, const char *symbol, int isExternal, size_t size, int isConstant, int isGlobal) {}
CALL(cudaFuncGetAttributes(struct cudaFuncAttributes *attributes, const void *function),
     memset(attributes, 0, sizeof *attributes);
     attributes->maxThreadsPerBlock = 1024;
     attributes->numRegs = 32;
     attributes->ptxVersion = attributes->binaryVersion = 80)
CALL(cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int *blocks, const void *function, int threads, size_t shared, unsigned flags), *blocks = 2)

cudaError_t cudaGetLastError(void) {
  cudaError_t error = lost != cudaSuccess ? lost : lastError;
  lastError = cudaSuccess;
  return error;
}
cudaError_t cudaPeekAtLastError(void) { return lost != cudaSuccess ? lost : lastError; }

// Other libraries' functions: simulate-cuda.sh writes those that only succeed.
int simulatedCudaCall(const char *function) { return outcome(function); }
int simulatedCudaCreate(const char *function, void **handle) {
  *handle = token();
  return outcome(function);
}

// Found by name in libcudnn.so.9, or behind it.
size_t cudnnGetVersion(void) { return 91300; }
const char *cudnnGetErrorString(int status) { return status == 0 ? "CUDNN_STATUS_SUCCESS" : "CUDNN_STATUS_INTERNAL_ERROR"; }
int cudnnGetReductionWorkspaceSize(void *cudnn, void *reduction, void *from, void *to, size_t *bytes) {
  *bytes = 0;
  return outcome(__func__);
}
int cudnnGetReductionIndicesSize(void *cudnn, void *reduction, void *from, void *to, size_t *bytes) {
  *bytes = 0;
  return outcome(__func__);
}
