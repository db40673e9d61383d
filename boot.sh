#! /bin/sh
# Generates configure, in the directory that this script is in.
cd "$(dirname "$0")" && exec autoreconf --install --force
