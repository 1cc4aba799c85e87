"""Modules of the page, called in Node."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

import mibsk

STATIC = Path(mibsk.__file__).parent / "page" / "static"


def in_node(module, code, zone="UTC"):
    """Return the value of an expression in which `page` is a module of the page."""
    if shutil.which("node") is None:
        pytest.skip("node is not installed")
    program = f"""
import * as page from {json.dumps((STATIC / module).as_uri())};
const tried = (call) => {{ try {{ return call(); }} catch (error) {{ return error.message; }} }};
console.log(JSON.stringify({code}));
"""
    done = subprocess.run(
        ["node", "--input-type=module", "-e", program],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"TZ": zone, "NODE_NO_WARNINGS": "1"},
    )
    return json.loads(done.stdout)
