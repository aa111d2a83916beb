"""Carries out a Dockerfile without a container engine: each stage is this machine's system with a layer of its own.

    unshare --mount python -m tests.deploy.rehearsal DOCKERFILE CONTEXT FOLDER

FROM is a fresh overlay of this machine's root (a Debian of the same name as the images), RUN is run in it by `chroot`,
COPY and ENV do what they do in an image. FOLDER then has `image`, the last stage's root, and `image.json`: environment,
user, command and health check. The mounts end with the process; so whoever wants to run the image does it from here,
by `serve`.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from dockerfile_parse import DockerfileParser

OURS = re.compile(r"(?i)(pip|npm_config)_|.*_proxy$|SSL_CERT_|.*_CA_(BUNDLE|CERTS)$")
"""Variables that say where packages come from; an image's build gets them, too."""

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass
class Stage:
    """What has become of one FROM.

    root: its file system. layer: what it wrote itself.
    """

    root: Path
    layer: Path
    env: dict[str, str] = field(default_factory=lambda: {"PATH": PATH})
    workdir: str = "/"
    user: str = "0"
    entrypoint: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)
    health: list[str] = field(default_factory=list)

    def chroot(self, command: list[str], **more: str) -> list[str]:
        """A command line that runs another inside the stage."""
        env = [f"{name}={value}" for name, value in {**self.env, **more}.items()]
        user = f"--userspec={self.user}:65534" if self.user != "0" else "--userspec=0:0"
        inside = ["sh", "-c", f'cd "{self.workdir}" && exec "$@"', "sh", *command]
        return ["chroot", user, str(self.root), "env", "--ignore-environment", *env, *inside]


def built(dockerfile: Path, context: Path, folder: Path) -> Stage:
    """Carry out every stage; the last one."""
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", folder], check=True)
    stages: dict[str, Stage] = {}
    stage: Stage | None = None
    parser = DockerfileParser(fileobj=dockerfile.open("r+b"))
    for one in parser.structure:
        kind, value = one["instruction"], one["value"]
        if kind == "FROM":
            stage = _fresh(folder / str(len(stages)))
            stages[value.rpartition(" AS ")[2]] = stage
        elif kind != "COMMENT":
            assert stage is not None
            _do(stage, kind, value, context, stages)
    assert stage is not None
    return stage


def _fresh(folder: Path) -> Stage:
    root, layer, work = (folder / name for name in ("root", "layer", "work"))
    for path in (root, layer, work):
        path.mkdir(parents=True)
    options = f"lowerdir=/,upperdir={layer},workdir={work}"
    subprocess.run(["mount", "-t", "overlay", "overlay", "-o", options, root], check=True)
    for name in ("proc", "dev", "sys"):
        subprocess.run(["mount", "--rbind", f"/{name}", root / name], check=True)
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", root / "tmp"], check=True)
    return Stage(root, layer)


def _do(stage: Stage, kind: str, value: str, context: Path, stages: dict[str, Stage]) -> None:
    if kind == "RUN":
        here = {name: text for name, text in os.environ.items() if OURS.match(name)}
        subprocess.run(stage.chroot(["sh", "-euc", value], HOME="/root", **here), check=True)
    elif kind == "COPY":
        *flags, last = shlex.split(value)
        came_from = [flag.removeprefix("--from=") for flag in flags if flag.startswith("--from=")]
        names = [flag for flag in flags if not flag.startswith("--")]
        source = stages[came_from[0]].root if came_from else context
        _copy(source, names, stage.root / (Path(stage.workdir) / last).as_posix().lstrip("/"), last.endswith("/"))
    elif kind == "ENV":
        for pair in shlex.split(value.replace("\\\n", " ")):
            name, _, text = pair.partition("=")
            stage.env[name] = text.replace("$PATH", stage.env["PATH"])
    elif kind == "WORKDIR":
        stage.workdir = value
        (stage.root / value.lstrip("/")).mkdir(parents=True, exist_ok=True)
    elif kind == "USER":
        stage.user = value
    elif kind == "ENTRYPOINT":
        stage.entrypoint = json.loads(value)
    elif kind == "CMD":
        stage.command = json.loads(value)
    elif kind == "HEALTHCHECK":
        stage.health = json.loads(value.partition("CMD ")[2])
    elif kind not in ("VOLUME", "EXPOSE", "STOPSIGNAL"):
        raise NotImplementedError(kind)


def _copy(source: Path, names: list[str], target: Path, is_folder: bool) -> None:
    unwanted = shutil.ignore_patterns("__pycache__", "node_modules", "runtime")
    for name in names:
        path = source / name.lstrip("/")
        if path.is_dir():
            keep = unwanted if not name.startswith("/") else None
            shutil.copytree(path, target, symlinks=True, dirs_exist_ok=True, ignore=keep)
        else:
            to = target / path.name if is_folder or len(names) > 1 else target
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, to)


def written(stage: Stage) -> dict[str, float]:
    """Files of the stage's layer, with the time of their last change."""
    paths = (path for path in stage.layer.rglob("*") if path.is_file() and not path.is_symlink())
    return {f"/{path.relative_to(stage.layer)}": path.stat().st_mtime for path in paths}


def main(dockerfile: str, context: str, folder: str, env: dict[str, str]) -> None:
    """Build, start, wait until healthy, say so, and stop when standard input ends."""
    stage = built(Path(dockerfile), Path(context), Path(folder))
    before = written(stage)
    run = stage.chroot([*stage.entrypoint, *stage.command], **env)
    server = subprocess.Popen(run)
    try:
        for _ in range(60):
            healthy = subprocess.run(stage.chroot(stage.health, **env), check=False, capture_output=True)
            if healthy.returncode == 0 or server.poll() is not None:
                break
            try:
                server.wait(0.5)
            except subprocess.TimeoutExpired:
                continue
        sys.stdout.write(json.dumps({"healthy": healthy.returncode == 0, "running": server.poll() is None}) + "\n")
        sys.stdout.flush()
        sys.stdin.read()
    finally:
        server.terminate()
        code = server.wait(30)
    changed = sorted(name for name, at in written(stage).items() if before.get(name) != at)
    data = {path.name: oct(path.stat().st_mode & 0o777) for path in (stage.root / "data").iterdir()}
    sys.stdout.write(json.dumps({"code": code, "changed": changed, "data": data}) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], json.loads(sys.argv[4]))
