"""Where the workers of one run of the tests keep the reports of claims."""

from pathlib import Path

import pytest

from tests.verification import reports


@pytest.fixture(scope="session", autouse=True)
def journals(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """The folder of the workers' journals, one each."""
    own = tmp_path_factory.getbasetemp()
    folder = (own if worker_id == "master" else own.parent) / "journals"
    folder.mkdir(exist_ok=True)
    reports.KEPT.append(folder / worker_id)
    return folder
