import assert from "node:assert/strict";
import { test } from "node:test";
import { DeviceError } from "../../compute/device-error.ts";
import { deviceFailure } from "../../compute/devices/device-failure.ts";

/** The error's code and message; of a bug, which stays as it is, nothing. */
function toldOf(message: string): string | undefined {
  const failure = deviceFailure(new Error(message));
  return failure instanceof DeviceError ? `${failure.code}: ${failure.message}` : undefined;
}

const noMemory = "device-memory: The graphics device has not enough memory for this batch.";
const lost =
  "device-lost: The graphics device was lost: its driver was reset, or the device was taken away.";
const noAdapter =
  "device-missing: There is no WebGPU adapter: no driver for a graphics device was found.";

test("what WebGPU throws, as errors that say what to do; bugs as they are", () => {
  const expected = {
    "adapter_result.status == wgpu::RequestAdapterStatus::Success was false. Failed to get a WebGPU adapter: No supported adapters":
      noAdapter,
    "WebGPU device lost (1): VK_ERROR_DEVICE_LOST": lost,
    "vkAllocateMemory failed with VK_ERROR_OUT_OF_DEVICE_MEMORY": noMemory,
    "Too many storage buffers in shader. Current: 18, Max is 16": noMemory,
    "WebGPU validation failed. [Invalid Buffer (unlabeled)] is invalid due to a previous error.":
      noMemory,
    "Non-zero status code returned while running Add node.": undefined,
  };
  for (const [message, told] of Object.entries(expected)) assert.equal(toldOf(message), told);
});

/** As ONNX Runtime's CUDA provider words what CUDA told it. */
const cudaCall = (told: string, call: string) =>
  `/onnxruntime_src/onnxruntime/core/providers/cuda/cuda_call.cc:123 onnxruntime::CudaCall ${told} ; GPU=0 ; hostname=host ; file=x.cc ; line=245 ; expr=${call}; `;

test("what CUDA throws, as errors that say what to do", () => {
  const missing = (lack: string) => `device-missing: CUDA cannot use the graphics device: ${lack}.`;
  const expected = {
    [cudaCall("CUDA failure 2: out of memory", "cudaStreamCreateWithFlags(&stream, 1)")]: noMemory,
    [cudaCall("CUBLAS failure 3: CUBLAS_STATUS_ALLOC_FAILED", "cublasCreate(&handle)")]: noMemory,
    [cudaCall("CUBLAS failure 3: the resource allocation failed", "cublasCreate(&handle)")]:
      noMemory,
    "Non-zero status code returned while running FusedMatMul node. Name:'MatMul_92' Status Message: /onnxruntime_src/onnxruntime/core/framework/bfc_arena.cc:376 void* onnxruntime::BFCArena::AllocateRawInternal(size_t, bool, onnxruntime::Stream*) Failed to allocate memory for requested buffer of size 8388608000":
      noMemory,
    [cudaCall("CUDA failure 700: an illegal memory access was encountered", "cudaMemcpy(d, s)")]:
      lost,
    [cudaCall("CUDA failure 719: unspecified launch failure", "cudaStreamSynchronize(stream)")]:
      lost,
    [cudaCall("CUDA failure 999: unknown error", "cudaSetDevice(info_.device_id)")]: lost,
    [cudaCall("CUBLAS failure 13: CUBLAS_STATUS_EXECUTION_FAILED", "cublasGemmHelper(...)")]: lost,
    [cudaCall("CUDA failure 100: no CUDA-capable device is detected", "cudaSetDevice(0)")]: missing(
      "no CUDA-capable device is detected",
    ),
    [cudaCall(
      "CUDA failure 35: CUDA driver version is insufficient for CUDA runtime version",
      "cudaSetDevice(0)",
    )]: missing("CUDA driver version is insufficient for CUDA runtime version"),
    [cudaCall("CUDA failure 101: invalid device ordinal", "cudaSetDevice(7)")]:
      missing("invalid device ordinal"),
    [cudaCall("CUBLAS failure 3: the resource allocation failed", "cublasCreate(&handle)")]:
      noMemory,
    [cudaCall("CUBLAS failure 13: the function failed to launch on the GPU", "cublasGemm(...)")]:
      lost,
    "Non-zero status code returned while running Mul node. Name:'Mul %437' Status Message: CUDA error cudaErrorLaunchFailure:unspecified launch failure":
      lost,
    "Non-zero status code returned while running Slice node. Name:'Slice %4' Status Message: CUDA error cudaErrorMemoryAllocation:out of memory":
      noMemory,
    "Non-zero status code returned while running Add node. Name:'Add %4' Status Message: CUDA error cudaErrorInvalidValue:invalid argument":
      undefined,
    "Non-zero status code returned while running BiasSoftmax node. Name:'BiasSoftmax' Status Message: /onnxruntime_src/onnxruntime/core/providers/cuda/cuda_kernel.h:296 static cudnnContext* onnxruntime::cuda::CudaKernel::RequireCudnnHandle(cudnnHandle_t) [ONNXRuntimeError] : 9 : NOT_IMPLEMENTED : cuDNN is unavailable or disabled for CUDA Execution Provider: dlopen failed for libcudnn.so: libcudnn.so: cannot open shared object file: No such file or directory":
      "device-missing: cuDNN could not be loaded, which the CUDA provider computes with.",
    'provider_options_utils.h:187 Parse Failed to parse provider option "device_id": cuda_execution_provider_info.cc:70 operator() Invalid device ID: 2, must be between 0 (inclusive) and 2 (exclusive).\n':
      missing("Invalid device ID: 2, must be between 0 (inclusive) and 2 (exclusive)"),
    [cudaCall("CUDA failure 1: invalid argument", "cudaMemcpy(d, s)")]: undefined,
  };
  for (const [message, told] of Object.entries(expected)) assert.equal(toldOf(message), told);
});

test("what TensorFlow throws where there is no memory", () => {
  const message =
    "Invalid TF_Status: 8\nMessage: OOM when allocating tensor with shape[65536,1024] and type float on /job:localhost/replica:0/task:0/device:GPU:0 by allocator GPU_0_bfc";
  assert.equal(toldOf(message), noMemory);
});
