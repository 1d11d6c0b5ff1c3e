#!/bin/sh
# Runs a command in this project with lavapipe as the Vulkan driver: Mesa's, which computes on the processor and, unlike
# SwiftShader, has float16. Debian 12's is too old for ONNX Runtime's WebGPU, so FOLDER becomes the root of a Debian 13
# at the first call (debootstrap; 80 MB to fetch, 0.5 GB on the disk), in which Node and this project lie as they are here. As
# root, on Linux; a Chromium of Debian's brings SwiftShader there as a second driver: VK_DRIVER_FILES names both then.
#   sh test/rig/lavapipe.sh FOLDER node --import tsx --test test/conformance/*.test.ts test/training/device-state.test.ts
set -eu
[ $# -ge 2 ] || { echo "usage: sh test/rig/lavapipe.sh FOLDER COMMAND [ARGUMENT…]" >&2; exit 2; }
[ "$(id -u)" -eq 0 ] || { echo "lavapipe.sh: needs root, for debootstrap and chroot" >&2; exit 2; }
mkdir -p "$1"
root=$(cd "$1" && pwd)
shift
project=$(cd "$(dirname "$0")/../.." && pwd)
drivers=/usr/share/vulkan/icd.d/lvp_icd.json

if [ ! -e "$root$drivers" ]; then
  [ -z "$(ls -A "$root")" ] || { echo "lavapipe.sh: $root is neither empty nor such a Debian; name another folder" >&2; exit 2; }
  command -v debootstrap >/dev/null || { echo "lavapipe.sh: apt-get install debootstrap" >&2; exit 2; }
  debootstrap --variant=minbase --include=mesa-vulkan-drivers,libvulkan1,ca-certificates trixie "$root" >&2
fi
mkdir -p "$root/project" "$root/usr/lib/chromium"
touch "$root/usr/local/bin/node"

# In namespaces of their own: whatever ends the command, nothing stays mounted and nothing goes on.
exec unshare --mount --pid --fork --kill-child sh -eu -c '
  root=$1 project=$2 node=$3
  shift 3
  mount --bind "$project" "$root/project"
  mount --bind "$node" "$root/usr/local/bin/node"
  mount --rbind /dev "$root/dev"
  mount -t proc proc "$root/proc"
  [ ! -e /usr/lib/chromium ] || mount --bind /usr/lib/chromium "$root/usr/lib/chromium"
  exec chroot "$root" sh -c "cd /project && exec \"\$@\"" sh "$@"
' sh "$root" "$project" "$(readlink -f "$(command -v node)")" \
  env HOME=/root TMPDIR=/tmp XDG_RUNTIME_DIR=/tmp TUNESMITH_TEST_WEBGPU=1 VK_DRIVER_FILES="${VK_DRIVER_FILES:-$drivers}" "$@"
