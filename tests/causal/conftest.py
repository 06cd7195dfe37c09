"""The tiny models of `tests/capture`; a test leaves them as it found them."""

from tests.capture.conftest import llama, model, native

__all__ = ["llama", "model", "native"]
