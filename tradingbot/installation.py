"""The secrets of an installation on one machine: made once, kept under `var/`, readable by its owner only."""

import base64
import json
import os
import secrets
import tempfile
from pathlib import Path
from typing import TypedDict

from tradingbot.env import WrongSetting

SECRET_KEY_BYTES = 48
ENCRYPTION_KEY_BYTES = 32


class Secrets(TypedDict):
    secret_key: str
    encryption_keys: list[str]


def secrets_of(var_dir: Path) -> Secrets:
    """Reads `secrets.json`, and makes it when this is the first start."""
    path = var_dir / "secrets.json"
    if not path.exists():
        try:
            _make(path)
        except OSError as fault:
            raise WrongSetting(
                f"{var_dir} cannot be written ({fault.strerror}): "
                "let your user write there, or name another folder with VAR_DIR."
            ) from None
    try:
        kept = json.loads(path.read_text())
        return Secrets(secret_key=str(kept["secret_key"]), encryption_keys=list(kept["encryption_keys"]))
    except (OSError, ValueError, KeyError, TypeError) as fault:
        raise WrongSetting(
            f"{path} cannot be read ({fault}): put it back from your backup; without it stored keys are lost."
        ) from None


def _make(path: Path) -> None:
    made = Secrets(
        secret_key=secrets.token_urlsafe(SECRET_KEY_BYTES),
        encryption_keys=[base64.urlsafe_b64encode(secrets.token_bytes(ENCRYPTION_KEY_BYTES)).decode()],
    )
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor, draft = tempfile.mkstemp(dir=path.parent, prefix=".secrets-")  # mkstemp makes it 0600
    try:
        with os.fdopen(descriptor, "w") as file:
            json.dump(made, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        # A link fails where a rename would replace: of two first starts one wins and both read the same.
        os.link(draft, path)
    except FileExistsError:
        return
    finally:
        Path(draft).unlink()
