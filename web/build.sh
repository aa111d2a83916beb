#!/bin/sh
# build.sh RUNTIME PYTHON: puts what the page needs of onnxruntime-web into the folder RUNTIME, with the licence texts
# that the package onnxruntime beside PYTHON carries; `make install` runs it.
# Where web/node_modules is there already, as in an image that is being built, npm is not asked.
# Nothing of the package is run (--ignore-scripts), and what is fetched is checked against package-lock.json.
set -eu
cd "$(dirname "$0")/.."
runtime=$1
python=$2

[ -d web/node_modules ] || npm ci --prefix web --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null || {
  echo "npm could not fetch onnxruntime-web: the page's in-browser mode is left out; run make again to have it" >&2
  exit 1
}
rm -rf "$runtime"
mkdir -p "$runtime"
# The plain build for processors. Those with WebGPU are twice as large, and the networks are too small to gain by it.
for name in ort.wasm.min.mjs ort-wasm-simd-threaded.mjs ort-wasm-simd-threaded.wasm; do
  cp "web/node_modules/onnxruntime-web/dist/$name" "$runtime/"
done
# Sent as it is to browsers that take gzip, which all do: a quarter of the bytes.
gzip -9 -n "$runtime/ort-wasm-simd-threaded.wasm"
# The package on npm carries no licence texts; the one for Python is built from the same sources and does.
texts=$("$python" -c 'from importlib.util import find_spec; print(find_spec("onnxruntime").submodule_search_locations[0])')
for name in LICENSE ThirdPartyNotices.txt; do
  cp "$texts/$name" "$runtime/onnxruntime-$name"
done
rm -rf web/node_modules
