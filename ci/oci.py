"""Images that buildah assembles, and containers that runc runs, for ci/image."""

import hashlib
import json
import os
import pathlib
import re
import stat
import subprocess
import sys
import tarfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# Of an unprivileged container.
CAPABILITIES = [
    f"CAP_{name}"
    for name in "AUDIT_WRITE CHOWN DAC_OVERRIDE FOWNER FSETID KILL MKNOD NET_BIND_SERVICE NET_RAW "
    "SETFCAP SETGID SETPCAP SETUID SYS_CHROOT".split()
]


def run(command, **options):
    """Runs a program whose failure is ours."""
    result = subprocess.run(
        [str(word) for word in command], cwd=options.pop("cwd", ROOT), text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)
    if result.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}: exit status {result.returncode}\n{result.stdout}{result.stderr}")
    return result.stdout


def same(what, found, expected):
    if found == expected:
        return
    if isinstance(found, dict):
        found, expected = list(found.items()), list(expected.items())
    if isinstance(found, list):
        # Of long lists, what differs.
        found, expected = [it for it in found if it not in expected], [it for it in expected if it not in found]
    sys.exit(f"{what}:\n  expected {expected!r}\n  found    {found!r}")


def holds(what, condition):
    if not condition:
        sys.exit(f"does not hold: {what}")


def triple():
    return re.search(r"host: (\S+)", run(["rustc", "-vV"]))[1]


def built(name):
    return pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / triple() / "release" / name


class Images:
    """buildah with a store of its own; what it makes dates from `made`."""

    def __init__(self, work, made, arguments):
        self.work, self.made = work, made
        self.arguments = [word for name, value in arguments.items() for word in ("--build-arg", f"{name}={value}")]
        self.command = ["buildah", "--storage-driver", "vfs", "--root", work / "store", "--runroot", work / "run"]

    def build(self, name, context, *arguments):
        how = ["--quiet", "--pull-never", "--no-cache", "--isolation", "chroot", "--timestamp", self.made]
        run([*self.command, "build", *how, *self.arguments, *arguments, "--tag", name, context])

    def layout(self, name):
        directory = self.work / f"layout-{name}"
        run([*self.command, "push", "--quiet", name, f"oci:{directory}"])
        return Layout(directory)


class Layout:
    """An image as it is pushed."""

    def __init__(self, directory):
        self.directory = directory
        index = json.loads((directory / "index.json").read_text())
        self.digest = index["manifests"][0]["digest"]
        self.manifest = json.loads(self.blob(self.digest).read_text())
        self.config = json.loads(self.blob(self.manifest["config"]["digest"]).read_text())
        parts = [self.manifest["config"], *self.manifest["layers"]]
        self.size = sum(part["size"] for part in parts)

    def blob(self, digest):
        return self.directory / "blobs" / digest.replace(":", "/")

    def members(self):
        for layer in self.manifest["layers"]:
            with tarfile.open(self.blob(layer["digest"])) as tar:
                yield from tar

    def unpack(self, directory):
        for layer in self.manifest["layers"]:
            run(["tar", "--numeric-owner", "-xpf", self.blob(layer["digest"]), "-C", directory])

    def environment(self):
        environment = self.config["config"].get("Env", [])
        has_path = any(word.startswith("PATH=") for word in environment)
        return environment if has_path else [PATH, *environment]


def shown(member):
    """A member of a tar file as ls shows it."""
    kind, target = "-", ""
    if member.isdir():
        kind = "d"
    elif member.issym():
        kind, target = "l", f" -> {member.linkname}"
    return f"{kind}{stat.filemode(member.mode)[1:]} {member.name}{target}"


class Container:
    """A container as Concourse makes one, whose root file system is read-only unless said otherwise."""

    count = 0

    def __init__(self, work, image, mounts, writable=False):
        Container.count += 1
        self.id = f"s3-asset-{os.getpid()}-{Container.count}"
        self.bundle = work / self.id
        self.root = self.bundle / "rootfs"
        self.root.mkdir(parents=True)
        self.environment = image.environment()
        image.unpack(self.root)
        self.runc = ["runc", "--root", str(work / "runc")]
        # Concourse's init is a static program that waits; so is the tests' server.
        binds = [(built("s3-test-server"), "/tmp/gdn-init", "ro"), *mounts]
        binds += [(path, path, "rw") for path in ["/etc/hosts", "/etc/resolv.conf"]]
        spec = {
            "ociVersion": "1.0.2",
            "process": self.process(["/tmp/gdn-init"], 0, "/", []),
            "root": {"path": "rootfs", "readonly": not writable},
            "hostname": self.id,
            "mounts": [
                {"destination": "/proc", "type": "proc", "source": "proc"},
                {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755", "size=64k"]},
                {"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": ["nosuid", "noexec", "nodev", "ro"]},
                *({"destination": place, "type": "bind", "source": str(source), "options": ["bind", access]}
                  for source, place, access in binds),
            ],
            "linux": {
                "namespaces": [{"type": kind} for kind in ["pid", "ipc", "uts", "mount"]],
                "cgroupsPath": f"/{self.id}",
            },
        }
        (self.bundle / "config.json").write_text(json.dumps(spec))

    def process(self, arguments, user, directory, variables):
        # Another user than root has no capability.
        capabilities = {kind: CAPABILITIES for kind in ["bounding", "effective", "permitted"]} if user == 0 else {}
        return {
            "terminal": False, "user": {"uid": user, "gid": user}, "args": arguments, "cwd": directory,
            "env": [*self.environment, *variables], "capabilities": capabilities, "noNewPrivileges": True,
        }

    def __enter__(self):
        with open(self.bundle / "log", "w") as log:
            for words in (["create", "--bundle", self.bundle, self.id], ["start", self.id]):
                result = subprocess.run([*self.runc, *map(str, words)], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
                if result.returncode != 0:
                    sys.exit(f"runc {words[0]}: {(self.bundle / 'log').read_text()}")
        # With the places of mounts, which runc has made.
        self.before = tree(self.root)
        return self

    def __exit__(self, error, *_):
        subprocess.run([*self.runc, "delete", "--force", self.id], capture_output=True)
        if error is None:
            same("the root file system afterwards", tree(self.root), self.before)

    def start(self, arguments, user=0, directory="/", variables=()):
        process = self.bundle / "process.json"
        process.write_text(json.dumps(self.process(arguments, user, directory, list(variables))))
        self.pid_file = self.bundle / "pid"
        return subprocess.Popen(
            [*self.runc, "exec", "--process", str(process), "--pid-file", str(self.pid_file), self.id],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def run(self, arguments, request=None, **options):
        """Exit status, standard output, standard error."""
        process = self.start(arguments, **options)
        out, err = process.communicate("" if request is None else json.dumps(request), timeout=60)
        return process.returncode, out, err

    def answer(self, arguments, request, **options):
        """The one JSON value that a program of the resource answers."""
        status, out, err = self.run(arguments, request, **options)
        if status != 0:
            sys.exit(f"{' '.join(arguments)}: exit status {status}\n{err}")
        return json.loads(out)

    def fails(self, arguments, request, expected, **options):
        status, out, err = self.run(arguments, request, **options)
        holds(f"{arguments[0]} fails with {expected!r}: {status} {err}", status == 1 and out == "" and expected in err)


def tree(root):
    """What is in a directory, by path: mode, owner, and contents or target."""
    found = {}
    for directory, directories, files in os.walk(root):
        for name in directories + files:
            path = pathlib.Path(directory, name)
            status = path.lstat()
            if path.is_symlink():
                what = os.readlink(path)
            else:
                what = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
            found[str(path.relative_to(root))] = (stat.filemode(status.st_mode), status.st_uid, what)
    return found
