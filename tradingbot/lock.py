"""One embedded process for each `var/`: two would both believe that they own the market and its clock."""

import os
import sys
from pathlib import Path
from typing import IO

from tradingbot.env import WrongSetting

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl


def take_lock(var_dir: Path) -> IO[str]:
    """Holds `run.lock` until the returned file is closed or the process ends, however it ends."""
    path = var_dir / "run.lock"
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = path.open("a+")
    try:
        _lock(file)
    except OSError:
        file.seek(0)
        owner = file.read().strip() or "unknown"
        file.close()
        raise WrongSetting(
            f"The platform already runs on {var_dir} (process {owner}): "
            "stop it there with Ctrl-C, or set VAR_DIR to run a second one."
        ) from None
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file


def _lock(file: IO[str]) -> None:
    if sys.platform == "win32":
        file.seek(0x7FFF0000)  # a byte beyond the text, which others could otherwise not read
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
    else:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
