#!/bin/sh
# Puts @tensorflow/tfjs-node into FOLDER/node_modules, its addon built against the libtensorflow inside PyPI's
# tensorflow-cpu: its own install fetches a libtensorflow of 2022 from elsewhere. Linux; needs npm, pip, g++ and
# Node's headers, and 2 GB. With FOLDER this project's or one above it, test/conformance runs on tfjs-node, too.
set -eu
[ $# -eq 1 ] || { echo "usage: sh test/rig/build-tfjs-node.sh FOLDER" >&2; exit 2; }
mkdir -p "$1"
cd "$1"
npm install --no-save --no-audit --no-fund --ignore-scripts @tensorflow/tfjs-node@4.22.0
package=$PWD/node_modules/@tensorflow/tfjs-node

wheel=$(mktemp -d)
trap 'rm -rf "$wheel"' EXIT
pip install --quiet --no-deps --no-compile --target "$wheel" tensorflow-cpu
mkdir -p "$package/deps/lib" "$package/lib/napi-v8"
mv "$wheel"/tensorflow/libtensorflow_cc.so.2 "$wheel"/tensorflow/libtensorflow_framework.so.2 "$package/deps/lib/"

headers=$(npm config get nodedir)
[ -d "$headers/include/node" ] || headers=$(dirname "$(dirname "$(command -v node)")")
g++ -std=c++17 -O2 -shared -fPIC -DNAPI_VERSION=8 -DBUILDING_NODE_EXTENSION \
  -I "$wheel/tensorflow/include" -I "$headers/include/node" -I "$package" \
  "$package/binding/tfjs_backend.cc" "$package/binding/tfjs_binding.cc" -o "$package/lib/napi-v8/tfjs_binding.node" \
  -L "$package/deps/lib" -l:libtensorflow_cc.so.2 -l:libtensorflow_framework.so.2 -Wl,-rpath,'$ORIGIN/../../deps/lib'
node -e "console.log('TensorFlow', require('$package').backend().binding.TF_Version)"
