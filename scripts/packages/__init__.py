"""What scripts/build-wheel, build-deb, build-image and release do. Only the standard library is
needed, and the tools that each names where they are missing."""
