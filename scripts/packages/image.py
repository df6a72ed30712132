"""Images for containers, one OCI archive for each architecture, by buildah.

Debian's own image may be out of reach, so the base is made here: what mmdebstrap extracts and
configures, under QEMU's user emulation. The rest is scripts/image/Containerfile.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import debian_mirror

from packages import source

# Debian's name of an architecture: the platform of the image specification.
PLATFORMS = {"arm64": "linux/arm64", "armhf": "linux/arm/v7", "amd64": "linux/amd64"}
SUITE = "bookworm"
_FILE = source.ROOT / "scripts" / "image" / "Containerfile"
_COMMANDS = {
    "buildah": "buildah",
    "mmdebstrap": "mmdebstrap",
    "arch-test": "arch-test",
    "qemu-arm-static": "qemu-user-static",
    "update-binfmts": "binfmt-support",
}


def build(dist: Path, architectures: Sequence[str]) -> list[Path]:
    """Build images from the Debian packages in a folder, into that folder. Returns their paths.

    Raises:
        Failed: they cannot be built; the message says what to do.
    """
    source.need(_COMMANDS)
    return [_build(dist, architecture) for architecture in architectures]


def _build(dist: Path, architecture: str) -> Path:
    platform, version = PLATFORMS[architecture], source.version()
    context = _context(dist, architecture)
    log = source.BUILD / f"image-{architecture}.log"
    log.unlink(missing_ok=True)
    base, name = f"localhost/pi-edge-base:{architecture}", f"localhost/pi-edge:{version}"
    _import_base(architecture, base, log)
    source.say(f"building the image for {platform}")
    _buildah(
        *("build", "--isolation", "chroot", "--platform", platform, "--pull=never", "--no-cache"),
        *("--timestamp", str(source.epoch()), "--build-arg", f"BASE={base}"),
        *("--label", f"org.opencontainers.image.version={version}"),
        *("--label", "org.opencontainers.image.licenses=Apache-2.0"),
        *("--tag", name, "--file", str(_FILE), str(context)),
        log=log,
    )
    archive = dist / f"pi-edge-{version}-{platform.replace('/', '-')}.oci.tar"
    unfinished = archive.with_suffix(".unfinished")
    unfinished.unlink(missing_ok=True)
    _buildah(
        "push", "--format", "oci", name, f"oci-archive:{unfinished}:pi-edge:{version}", log=log
    )
    _pack_again(unfinished)
    unfinished.rename(archive)
    return archive


def _context(dist: Path, architecture: str) -> Path:
    """A folder with the two packages alone."""
    version = source.version()
    names = (f"pi-edge_{version}-*_all.deb", f"pi-edge-runtime_{version}-*_{architecture}.deb")
    found = [path for name in names for path in sorted(dist.glob(name))[-1:]]
    if len(found) != len(names):
        raise source.Failed(f"{dist} lacks {' or '.join(names)}: run scripts/build-deb first")
    folder = source.BUILD / "image" / architecture
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for path in found:
        shutil.copy2(path, folder)
    return folder


def _import_base(architecture: str, name: str, log: Path) -> None:
    """Make Debian itself an image, as far as that has not been done today."""
    tar = source.BUILD / "image" / f"{SUITE}-{architecture}.tar"
    if not tar.exists():
        source.say(f"making {SUITE} for {architecture}")
        unfinished = tar.with_suffix(".unfinished.tar")
        unfinished.unlink(missing_ok=True)
        sources = f"deb {_mirror()} {SUITE} main"
        options = [f"--architectures={architecture}", "--format=tar", "--variant=apt"]
        source.run(["mmdebstrap", "--quiet", *options, SUITE, unfinished, sources], log)
        unfinished.rename(tar)
    container = _buildah("from", "--arch", architecture, "scratch", log=log).strip()
    _buildah("add", "--quiet", container, str(tar), "/", log=log)
    _buildah("config", *_platform(architecture), container, log=log)
    timestamp = ("--timestamp", str(source.epoch()))
    _buildah("commit", "--quiet", "--rm", *timestamp, container, name, log=log)


def _platform(architecture: str) -> Sequence[str]:
    _, machine, *variant = PLATFORMS[architecture].split("/")
    return ["--arch", machine, *(["--variant", variant[0]] if variant else [])]


def _buildah(*arguments: str, log: Path) -> str:
    """Run buildah on a store of its own below build/. Returns what it printed."""
    store = source.BUILD / "image" / "store"
    command = [
        *("buildah", "--storage-driver", "vfs", "--root", str(store)),
        *("--runroot", str(store.with_name("store-run")), *arguments),
    ]
    with log.open("ab") as said:
        done = subprocess.run(
            command,
            env=source.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=said,
            text=True,
            check=False,
        )
        said.write(done.stdout.encode())
    if done.returncode:
        for line in log.read_text(errors="replace").splitlines()[-15:]:
            source.say(f"  {line}")
        raise source.Failed(f"buildah {arguments[0]} failed; all that was said is in {log}")
    return done.stdout


def _pack_again(archive: Path) -> None:
    """Order and date what is in an archive, which buildah packs as it comes."""
    unpacked = archive.with_suffix(".folder")
    shutil.rmtree(unpacked, ignore_errors=True)
    unpacked.mkdir()
    subprocess.run(["tar", "-xf", archive, "-C", unpacked], check=True)
    command = [
        *("tar", "--sort=name", f"--mtime=@{source.epoch()}", "--owner=0", "--group=0"),
        *("--numeric-owner", "--mode=u=rwX,go=rX", "-cf", str(archive)),
    ]
    subprocess.run([*command, "-C", unpacked, "."], check=True)
    shutil.rmtree(unpacked)


def _mirror() -> str:
    """The Debian mirror that this machine's own apt uses.

    Raises:
        Failed: it uses none.
    """
    if address := debian_mirror.own():
        return address
    raise source.Failed("apt's sources name no Debian mirror: the image is made of its packages")
