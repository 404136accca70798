#!/bin/bash
# cpp/build.sh PROTO FOLDER: generates the C++ of PROTO into FOLDER and builds FOLDER/bench there.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
proto=$1
out=$2
mkdir -p "$out"
protoc -I "$(dirname "$proto")" --cpp_out="$out" "$proto"
# The library is linked statically, as the Swift programs have theirs.
g++ -O2 -g -DNDEBUG -std=c++17 -I "$out" -o "$out/bench" "$here/bench.cc" "$out/codec.pb.cc" \
    -Wl,-Bstatic -lprotobuf -lz -Wl,-Bdynamic -lpthread
