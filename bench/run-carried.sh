#!/bin/sh
# Runs on a machine with a GPU and no network what bench/carry.ts packed beside this file: facts, doctor, the conformance
# suite and the training on the devices that are there, then tokens a second. Each part has its time limit, all together
# nine minutes; a part that fails stops no other. Findings go to $OUT, 5 files, and a line for each part to stdout.
# With PROVIDER=FOLDER, where `carry.ts FOLDER --provider …` packed ONNX Runtime's CUDA libraries, they are used too.
set -u
here=$(cd "$(dirname "$0")" && pwd)
: "${OUT:=$here/out}" "${BUDGET:=540}"
started=$(date +%s)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$OUT" "$work/home" "$work/lib"
export PYTHONUSERBASE="${HOME-}/.local" # where a user's own PyTorch may be
export HOME="$work/home" TMPDIR="$work" XDG_RUNTIME_DIR="$work" NO_COLOR=1 PATH="$work:$PATH"

tar -xzf "$here/node.tar.gz" -C "$work" || exit 1
mkdir "$work/project" && cd "$work/project" || exit 1
unpack() { node -e 'process.stdin.pipe(zlib.createBrotliDecompress()).pipe(process.stdout)' < "$1" | tar -x -C "$2"; }
unpack "$here/tree.tar.br" . && unpack "$here/packages.tar.br" . || exit 1
if ! ldconfig -p 2>/dev/null | grep -q libvulkan.so.1; then
  cp "$here/libvulkan.so.1" "$work/lib/" && export LD_LIBRARY_PATH="$work/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
fi
[ -z "${PROVIDER-}" ] || unpack "$PROVIDER/provider.tar.br" node_modules/onnxruntime-node/bin/napi-v6/linux/x64

# run SECONDS FILE COMMAND…: within what is left of all time; the end of a long output is kept.
run() {
  limit=$1 file=$2
  shift 2
  left=$((BUDGET - $(date +%s) + started))
  [ "$left" -gt 5 ] || { echo "$file: no time left"; return; }
  [ "$limit" -lt "$left" ] || limit=$left
  began=$(date +%s)
  timeout -k 5 "$limit" "$@" > "$work/output" 2>&1
  status=$?
  tail -c 8000000 "$work/output" >> "$OUT/$file"
  [ "$status" -ne 124 ] || echo "(ended after $limit s)" >> "$OUT/$file"
  echo "$file: exit code $status after $(($(date +%s) - began)) s"
}

webgpu_of() { timeout -k 5 60 node --import tsx cli/main.ts doctor --json 2>/dev/null | grep -o '"name":"webgpu","state":"[a-z]*"' | cut -d'"' -f8; }

# Containers bring NVIDIA's driver without its Vulkan part's description, or without the X11 that one of its two libraries needs.
find_vulkan() {
  for library in "" libGLX_nvidia.so.0 libEGL_nvidia.so.0; do
    if [ -n "$library" ]; then
      echo '{"file_format_version":"1.0.0","ICD":{"library_path":"'"$library"'","api_version":"1.3.0"}}' > "$work/$library.json"
      export VK_DRIVER_FILES="$work/$library.json" VK_ICD_FILENAMES="$work/$library.json"
    fi
    state=$(webgpu_of)
    echo "webgpu with ${library:-the drivers of the system}: ${state:-no answer}"
    case $state in ok | note) return ;; esac
    unset VK_DRIVER_FILES VK_ICD_FILENAMES
  done
}

facts() {
  uname -a
  head -2 /etc/os-release
  grep -m1 'model name' /proc/cpuinfo
  node -p '`${process.version}, ${os.availableParallelism()} cores, ${Math.round(os.totalmem() / 2 ** 30)} GiB`'
  nvidia-smi
  nvidia-smi --query-gpu=name,driver_version,compute_cap,memory.total,power.limit,clocks.max.sm --format=csv
  ls -l /dev/dri /dev/nvidia* /usr/share/vulkan/icd.d /etc/vulkan/icd.d
  ldconfig -p | grep -E 'vulkan|nvidia|libcuda|cublas|cudnn|cudart|libGLX|libEGL'
}

facts > "$OUT/facts.txt" 2>&1
state=
find_vulkan > "$work/vulkan"
tee -a "$OUT/facts.txt" < "$work/vulkan"
case $state in ok | note) export TUNESMITH_TEST_WEBGPU=1 ;; esac

run 60 doctor.txt node --import tsx cli/main.ts doctor
run 110 bench.txt node --import tsx bench/device.ts --limit 50
run 200 conformance.txt node --import tsx --test --test-reporter=spec test/conformance/*-steps.test.ts test/conformance/operations.test.ts
for precision in fp16 bf16; do
  run 60 bench.txt node --import tsx bench/device.ts --limit 50 --device cuda --device webgpu --mixed_precision $precision
done
run 90 bench.txt node --import tsx bench/device.ts --limit 80 --device cuda --device webgpu --model base --rows 32
run 150 training.txt node --import tsx --test --test-reporter=spec test/training/device-*.test.ts test/pipelines/device*.test.ts
grep -aE '^. (tests|pass|fail|skipped) ' "$OUT/conformance.txt" "$OUT/training.txt" 2>/dev/null | sed "s|$OUT/||"
cat "$OUT/bench.txt"
echo "all in $(($(date +%s) - started)) s"
