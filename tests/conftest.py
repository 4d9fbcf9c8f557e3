import pytest
import torch


@pytest.fixture(autouse=True, scope="session")
def one_thread():
    """Equal bits need an equal number of threads, and small networks are fastest on one."""
    torch.set_num_threads(1)
