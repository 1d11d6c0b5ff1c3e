#!/bin/sh
# Puts @tensorflow/tfjs-node into FOLDER/node_modules, its addon built against the libtensorflow inside PyPI's
# tensorflow-cpu: its own install fetches a libtensorflow of 2022 from elsewhere. With "gpu" it is
# @tensorflow/tfjs-node-gpu and PyPI's tensorflow (x64), which loads CUDA when it starts; at the end stands how to get
# that. Linux; needs npm, pip, g++ and Node's headers, and 4 GB. With FOLDER this project's or one above it,
# test/conformance runs on tfjs-node, too, and with TUNESMITH_TEST_TFJS_GPU=1 on tfjs-node-gpu. One of them a folder.
set -eu
case $#,${2-} in
1,) name=tfjs-node wheel=tensorflow-cpu ;;
2,gpu) name=tfjs-node-gpu wheel=tensorflow ;;
*) echo "usage: sh test/rig/build-tfjs-node.sh FOLDER [gpu]" >&2; exit 2 ;;
esac
mkdir -p "$1"
cd "$1"
npm install --no-save --no-audit --no-fund --ignore-scripts "@tensorflow/$name@4.22.0"
package=$PWD/node_modules/@tensorflow/$name

unpacked=$(mktemp -d)
trap 'rm -rf "$unpacked"' EXIT
pip install --quiet --no-deps --no-compile --target "$unpacked" "$wheel"
mkdir -p "$package/deps/lib" "$package/lib/napi-v8"
mv "$unpacked"/tensorflow/libtensorflow_cc.so.2 "$unpacked"/tensorflow/libtensorflow_framework.so.2 "$package/deps/lib/"

headers=$(npm config get nodedir)
[ -d "$headers/include/node" ] || headers=$(dirname "$(dirname "$(command -v node)")")
g++ -std=c++17 -O2 -shared -fPIC -DNAPI_VERSION=8 -DBUILDING_NODE_EXTENSION \
  -I "$unpacked/tensorflow/include" -I "$headers/include/node" -I "$package" \
  "$package/binding/tfjs_backend.cc" "$package/binding/tfjs_binding.cc" -o "$package/lib/napi-v8/tfjs_binding.node" \
  -L "$package/deps/lib" -l:libtensorflow_cc.so.2 -l:libtensorflow_framework.so.2 -Wl,-rpath,'$ORIGIN/../../deps/lib'
node -e "
const { binding, isUsingGpuDevice } = require('$package').backend();
console.log('TensorFlow', binding.TF_Version, isUsingGpuDevice ? 'computes on a GPU' : 'computes on the processor')"

[ "$name" = tfjs-node-gpu ] || exit 0
echo "It looks for CUDA where the system has it, and in $package/deps/nvidia. To put it there (3 GB; the driver is yours):"
sed -n "s/^Requires-Dist: \(nvidia-[^;]*\);.*and-cuda.*/  '\1' \\\\/p" "$unpacked"/tensorflow-*.dist-info/METADATA |
  { echo "pip install --no-deps --target $package/deps \\"; sed '$s/ \\$//'; }
