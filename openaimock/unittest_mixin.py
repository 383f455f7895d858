"""The unittest mixin: a mock for each test of a TestCase, and tests that fail for requests no rule matched."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar
from unittest.mock import patch

from .testing import verdicts
from .testing.mock import MockServer

if TYPE_CHECKING:
    # For the type checker the mixin is a TestCase.
    from unittest import TestCase as _Base
else:
    _Base = object


class OpenAIMockMixin(_Base):
    """Mix it in before ``unittest.TestCase`` (or Django's, or ``IsolatedAsyncioTestCase``); tests use ``self.openai_mock``.

    The mock runs on a free port, new for each test; OPENAI_BASE_URL and OPENAI_API_KEY point at it while the test runs.
    """

    #: A path (relative to the file of the class), a dict, YAML text, or a list of these; None: rules come from the test.
    openai_mock_config: ClassVar[Any] = None
    #: Settings as a file has them, such as ``{"lint": "error"}``.
    openai_mock_settings: ClassVar[Mapping[str, Any]] = {}
    #: Whether a test may send requests that no rule matches.
    openai_mock_allow_unmatched: ClassVar[bool] = False
    #: Whether a test fails for a rule or a reply that was never used.
    openai_mock_strict: ClassVar[bool] = False

    openai_mock: MockServer
    _completed = False

    def setUp(self) -> None:
        """Start the mock and set the environment. An override must call ``super().setUp()``."""
        super().setUp()
        sources = self.openai_mock_config
        sources = [] if sources is None else sources if isinstance(sources, list) else [sources]
        file = getattr(sys.modules.get(type(self).__module__), "__file__", None)
        config = verdicts.configure(sources, self.openai_mock_settings, Path(file).parent if file else Path())
        mock = self.openai_mock = MockServer(config, host="127.0.0.1", port=0).start()
        self.addCleanup(mock.stop, verdicts.GRACE)
        environment = patch.dict(os.environ, verdicts.environment(mock, os.environ))
        environment.start()
        self.addCleanup(environment.stop)
        self.addCleanup(self._check_verdict)

    def _callTestMethod(self, method: Any) -> None:
        super()._callTestMethod(method)  # type: ignore[misc]
        self._completed = True

    def _check_verdict(self) -> None:
        """Fail for the exchanges of the test; a test that failed already does not fail for leftovers."""
        strict = self.openai_mock_strict and self._completed
        message = verdicts.verdict(self.openai_mock, self.openai_mock_allow_unmatched, strict)
        if message:
            raise self.failureException(message)
