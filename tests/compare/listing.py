"""What an image holds as text, one line per file and per value: two images are the same if their texts are."""

import hashlib
import json
import posixpath
import stat
import tarfile
import time

KINDS = {tarfile.DIRTYPE: "dir", tarfile.SYMTYPE: "link", tarfile.CHRTYPE: "char", tarfile.BLKTYPE: "block", tarfile.FIFOTYPE: "fifo"}
XATTR = "SCHILY.xattr."
RECENT = 24 * 3600  # times younger than this were made by the build
SHOWN_CONTENT = 60


class File:
    """A file, directory or link of the image; `content` is shared by hard links, as an inode is."""

    def __init__(self, entry, content):
        self.kind = KINDS.get(entry.type, "file")
        self.mode, self.owner, self.mtime = stat.S_IMODE(entry.mode), f"{entry.uid}:{entry.gid}", entry.mtime
        self.target, self.device = entry.linkname, f"{entry.devmajor}:{entry.devminor}"
        self.content = content
        self.attributes = {key[len(XATTR):]: value.encode("utf-8", "surrogateescape").hex()
                           for key, value in entry.pax_headers.items() if key.startswith(XATTR)}

    def text(self, now):
        parts = [self.kind, f"{self.mode:04o}" if self.kind != "link" else "-", self.owner]
        if self.kind != "dir":  # a directory's time tells in which order a builder wrote, and differs from run to run with Docker
            parts.append("new" if abs(now - self.mtime) < RECENT else str(int(self.mtime)))
        if self.kind == "link":
            parts.append("-> " + self.target)
        elif self.kind in ("char", "block"):
            parts.append(self.device)
        elif self.kind == "file":
            printable = len(self.content) <= SHOWN_CONTENT and self.content.isascii()
            parts.append(repr(self.content.decode()) if printable else f"{len(self.content)} bytes {hashlib.sha256(self.content).hexdigest()[:12]}")
        parts += [f"{name}={value}" for name, value in sorted(self.attributes.items())]
        return " ".join(parts)


class Tree:
    """Layers put on top of each other, as an engine unpacks them."""

    def __init__(self):
        self.files = {}

    def remove(self, path):
        for name in [name for name in self.files if name == path or name.startswith(path + "/")]:
            del self.files[name]

    def apply(self, layer):
        own = set()
        with tarfile.open(fileobj=layer, mode="r:*") as tar:
            for entry in tar:
                path = posixpath.normpath("/" + entry.name.lstrip("/"))
                folder, name = posixpath.split(path)
                if name == ".wh..wh..opq":
                    for inside in [one for one in self.files if one.startswith(folder.rstrip("/") + "/") and one not in own]:
                        del self.files[inside]
                elif name.startswith(".wh."):
                    self.remove(posixpath.join(folder, name[len(".wh."):]))
                elif path != "/":
                    self.put(path, entry, tar)
                    own.add(path)

    def put(self, path, entry, tar):
        if entry.type == tarfile.LNKTYPE:
            self.files[path] = self.files[posixpath.normpath("/" + entry.linkname.lstrip("/"))]
            return
        new = File(entry, tar.extractfile(entry).read() if entry.isreg() else b"")
        if new.kind != "dir" and path in self.files:
            self.remove(path)
        self.files[path] = new


def read(archive):
    """The tree and the configuration of the one image of a docker-archive."""
    tree = Tree()
    with tarfile.open(archive) as tar:
        (manifest,) = json.load(tar.extractfile("manifest.json"))
        for layer in manifest["Layers"]:
            tree.apply(tar.extractfile(layer))
        return tree, json.load(tar.extractfile(manifest["Config"]))


def files_text(tree, base):
    """The files that are not as the base has them, and those of the base that are gone."""
    now, lines, first_name = time.time(), [], {}
    for path, file in sorted(tree.files.items()):
        text = file.text(now)
        if file.kind == "file":
            other = first_name.setdefault(id(file), path)
            text += f" = {other}" if other != path else ""
        if path in NOISE_FILES and not file.content:
            continue
        if path not in base.files or base.files[path].text(now) != text:
            lines.append(f"{path} {text}")
    return lines + [f"{path} gone" for path in sorted(base.files) if path not in tree.files]


# What buildah's RUN leaves behind in the image, its label and the name of its container; Docker's mark for Windows.
NOISE_FILES = ("/etc/hostname", "/etc/hosts", "/etc/resolv.conf")
NOISE_VALUES = ("Hostname", "ArgsEscaped")


def config_text(config):
    lines = [f"{key}: {config[key]}" for key in ("author", "os") if config.get(key)]
    for key, value in sorted((config.get("config") or {}).items()):
        if key == "Labels" and value:
            value = {name: text for name, text in value.items() if name != "io.buildah.version"}
        if value and key not in NOISE_VALUES:
            lines.append(f"{key}: {json.dumps(value, sort_keys=True)}")
    return lines
