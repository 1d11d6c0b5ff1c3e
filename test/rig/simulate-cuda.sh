#!/bin/sh
# Makes in FOLDER the libraries of CUDA that ONNX Runtime's CUDA provider links, without a device: see simulate-cuda.c.
# Linux x64; needs gcc, binutils, CUDA's headers (CUDA_HOME or /usr/local/cuda) and the provider of onnxruntime-node's version.
set -eu
if [ $# -ne 2 ]; then
  cat >&2 <<'USAGE'
usage: sh test/rig/simulate-cuda.sh FOLDER PROVIDERS
PROVIDERS is a folder with libonnxruntime_providers_cuda.so and libonnxruntime_providers_shared.so, as PyPI's wheel has them:
  pip download --no-deps --dest . onnxruntime-gpu==1.30.0
  unzip -j onnxruntime_gpu-*.whl 'onnxruntime/capi/libonnxruntime_providers_*' -d PROVIDERS
CUDA's headers, where there are none:
  pip install --target FOLDER nvidia-cuda-runtime nvidia-cuda-crt; and CUDA_HOME=FOLDER/nvidia/cu13
USAGE
  exit 2
fi
sources=$(cd "$(dirname "$0")" && pwd)
headers=${CUDA_HOME:-/usr/local/cuda}/include
provider=$2/libonnxruntime_providers_cuda.so
mkdir -p "$1"
folder=$(cd "$1" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

nm -D --undefined-only "$provider" | sed -n 's/^ *U //p' > "$work/undefined"
for name in simulate-cuda simulate-cuda-words; do
  gcc -c -O2 -fPIC -I "$headers" "$sources/$name.c" -o "$work/$name.o"
done
nm --defined-only "$work"/*.o | sed 's/.* //' > "$work/written"

# Every other function succeeds, and is told to the runtime by its name.
stubs() {
  echo 'int simulatedCudaCall(const char *function);'
  echo 'int simulatedCudaCreate(const char *function, void **handle);'
  echo 'const char *simulatedStatusString(int status), *simulatedStatusName(int status);'
  while read -r name; do
    grep -qx "$name" "$work/written" && continue
    case $name in
      *GetStatusString|*GetStatusName) echo "const char *$name(int status) { return simulated${name#*Get}(status); }" ;;
      *Create*) echo "int $name(void **handle) { return simulatedCudaCreate(\"$name\", handle); }" ;;
      *) echo "int $name(void) { return simulatedCudaCall(\"$name\"); }" ;;
    esac
  done
}

# library NAME OBJECTS...: with the functions that the provider takes from it.
library() {
  name=$1; shift
  case $name in
    libcuda.so.1) grep '^cu[A-Z][^@]*$' "$work/undefined" ;;
    libcudnn.so.9) strings "$provider" | grep '^cudnn[A-Z][A-Za-z0-9_]*$' | sort -u ;; # loaded when it is first needed
    *) sed -n "s/@$name\$//p" "$work/undefined" ;;
  esac | stubs > "$work/stubs.c"
  echo "$name { global: *; };" > "$work/version"
  gcc -shared -fPIC -O2 "$work/stubs.c" "$@" -Wl,-soname,"$name" -Wl,--version-script="$work/version" -o "$folder/$name"
}

library libcudart.so.13 "$work"/*.o
needed=$(readelf -d "$provider" | sed -n 's/.*(NEEDED).*\[\(libcu[^]]*\)\].*/\1/p' | grep -v cudart)
for name in $needed libcudnn.so.9; do
  library "$name" "$folder/libcudart.so.13" -Wl,-rpath,'$ORIGIN'
done

# How the driver is found where none is loaded.
cat > "$folder/nvidia-smi" <<'LIST'
#!/bin/sh
for number in $(seq "${CUDA_SIMULATED_DEVICES:-1}"); do echo "Simulated $((number - 1)), 999.0"; done
LIST
chmod +x "$folder/nvidia-smi"

cat <<DONE
Made. The provider must lie beside ONNX Runtime (remove it afterwards):
  ln -s $(cd "$2" && pwd)/libonnxruntime_providers_cuda.so $(cd "$2" && pwd)/libonnxruntime_providers_shared.so node_modules/onnxruntime-node/bin/napi-v6/linux/x64/
Then:
  TUNESMITH_TEST_CUDA_SIMULATED=$folder node --import tsx --test test/conformance/cuda-simulated.test.ts
  PATH=$folder:\$PATH LD_LIBRARY_PATH=$folder tunesmith doctor
DONE
