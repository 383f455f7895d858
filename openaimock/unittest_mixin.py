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
    # To the type checker the mixin is what it is mixed into.
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
    #: Whether a request that no rule matches is no reason to fail.
    openai_mock_allow_unmatched: ClassVar[bool] = False
    #: Whether a rule or a reply that was never used is a reason to fail.
    openai_mock_strict: ClassVar[bool] = False

    openai_mock: MockServer
    _came_to_its_end = False

    def setUp(self) -> None:
        """Start the mock and set the environment. Who overrides it calls ``super().setUp()``."""
        super().setUp()
        given = self.openai_mock_config
        sources = [] if given is None else given if isinstance(given, list) else [given]
        file = getattr(sys.modules.get(type(self).__module__), "__file__", None)
        config = verdicts.configure(sources, self.openai_mock_settings, Path(file).parent if file else Path())
        mock = self.openai_mock = MockServer(config, host="127.0.0.1", port=0).start()
        self.addCleanup(mock.stop, verdicts.GRACE)
        environment = patch.dict(os.environ, verdicts.environment(mock, os.environ))
        environment.start()
        self.addCleanup(environment.stop)
        self.addCleanup(self._judge)

    def _callTestMethod(self, method: Any) -> None:
        super()._callTestMethod(method)  # type: ignore[misc]
        self._came_to_its_end = True

    def _judge(self) -> None:
        """Fail for what the test asked of its mock; one that failed already is not blamed for what it did not come to."""
        strict = self.openai_mock_strict and self._came_to_its_end
        said = verdicts.verdict(self.openai_mock, self.openai_mock_allow_unmatched, strict)
        if said:
            raise self.failureException(said)
